"""The figures show what they are given: points, bars and labels, also where there is little or nothing to show."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from inputs_fixture import schema_of
from matplotlib.figure import Figure
from matplotlib.text import Text

from day7_training.data.installs import FIELDS, NUMBER_FIELDS, REVENUE
from day7_training.data.table import read_table
from day7_training.evaluation.eda_plots import (
    correlation_figure,
    event_revenue_figure,
    events_figure,
    nulls_figure,
    rank_correlations,
    revenue_figure,
)
from day7_training.evaluation.evaluation import evaluate
from day7_training.evaluation.group_plots import group_revenue, revenue_by_group_figure
from day7_training.evaluation.lorenz_plots import lorenz_curve, lorenz_figure
from day7_training.evaluation.metrics import measure
from day7_training.evaluation.model_plots import comparison_figure, importance_figure, shap_figure, tuning_figure
from day7_training.evaluation.plots import (
    SHOWN_POINTS,
    bias_by_group_figure,
    calibration_figure,
    residuals_figure,
    revenue_bands,
)
from day7_training.evaluation.style import count_bins, label, new_figure, percent, plain, tail_axis
from day7_training.evaluation.tables import best_trials, interval_table
from day7_training.example.fit import ExampleRecipe
from day7_training.inputs.schema import NINE_FIELDS
from day7_training.model.boosting import fit
from day7_training.model.model import Model
from day7_training.model.parameters import resolve_parameters
from day7_training.progress import no_progress

SEED = 7


@pytest.fixture(scope="module")
def frame(synthetic_csv) -> pd.DataFrame:
    return read_table(synthetic_csv, NINE_FIELDS, lambda message: None).frame


@pytest.fixture(scope="module")
def flagged(frame) -> np.ndarray:
    return (frame["country"] == "us").to_numpy()


@pytest.fixture(scope="module")
def model(frame) -> Model:
    return fitted(frame, "tweedie")


def fitted(frame: pd.DataFrame, objective: str) -> Model:
    parameters = resolve_parameters(objective, {"num_threads": "1"})
    return fit(ExampleRecipe(), "a model", frame, frame[REVENUE].to_numpy(), parameters, 8, no_progress)


def degenerate(rows: int = 60) -> pd.DataFrame:
    """One country, no event, no revenue, and null wherever an install may have null."""
    texts = {field: pd.Series([None] * rows, dtype=object) for field in FIELDS if field not in NUMBER_FIELDS}
    texts |= {"country": pd.Series(["es"] * rows), "platform": pd.Series(["iOS"] * rows)}
    return pd.DataFrame(texts | {"event_1": 0.0, "event_2": 0.0, "event_3": np.nan, REVENUE: 0.0})


def part_of(frame: pd.DataFrame, predicted: np.ndarray) -> dict:
    return evaluate(frame, frame[REVENUE].to_numpy(), predicted, np.zeros(len(frame), dtype=bool), SEED)["all"]


def draw(figure: Figure) -> Figure:
    """Laid out and drawn, though not to pixels: much of what can go wrong does so only then."""
    figure.draw_without_rendering()
    return figure


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def y_names(axes) -> list[str]:
    return [text.get_text() for text in axes.get_yticklabels()]


def dots(line) -> list[tuple[float, float]]:
    return list(zip(*(data.tolist() for data in line.get_data())))


def bars(axes) -> list[float]:
    return [patch.get_width() for patch in axes.patches]


# calibration


def test_calibration_has_a_dot_for_each_bin_and_the_diagonal(frame):
    revenue = frame[REVENUE].to_numpy()
    part = part_of(frame, revenue * 1.1 + 0.0005)
    axes = draw(calibration_figure(part)).axes[0]
    diagonal, points = axes.lines
    assert dots(points) == [(each["predicted"], each["actual"]) for each in part["calibration"]]
    assert np.array_equal(*diagonal.get_data())
    assert texts(axes)[-1] == "10"
    assert axes.get_xscale() == "symlog" and axes.get_xlabel().startswith("mean predicted revenue")


def test_calibration_without_zeros_is_logarithmic_and_with_one_size_linear(frame):
    actual = np.linspace(1, 2, len(frame))
    linear = part_of(frame.assign(revenue=actual), actual)
    assert draw(calibration_figure(linear)).axes[0].get_xscale() == "linear"
    tail = part_of(frame.assign(revenue=10**actual), 1000 ** (actual - 1))
    assert draw(calibration_figure(tail)).axes[0].get_xscale() == "log"


def test_calibration_names_the_tenths_near_0_together():
    bins = [{"decile": place, "rows": 10, "predicted": 1e-9 * place, "actual": 0.0} for place in (1, 2, 3)]
    bins.append({"decile": 10, "rows": 10, "predicted": 1.0, "actual": 2.0})
    assert [text for text in texts(draw(calibration_figure({"calibration": bins})).axes[0]) if text] == ["1 to 3", "10"]


def test_calibration_of_nothing_at_all():
    frame = degenerate()
    axes = draw(calibration_figure(part_of(frame, np.zeros(len(frame))))).axes[0]
    assert dots(axes.lines[1]) == [(0.0, 0.0)]


# bias by group


def test_bias_has_a_panel_for_each_field_and_a_dot_for_each_group(frame):
    part = part_of(frame, frame[REVENUE].to_numpy() * 2)
    figure = draw(bias_by_group_figure(part))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["country", "source", "platform"]
    countries = part["groups"]["country"]
    axes = figure.axes[0]
    assert y_names(axes)[0] == f"us ({countries[0]['rows']:,})" and y_names(axes)[-1].startswith("all others (")
    assert len(axes.lines[1].get_xdata()) == len(countries)
    assert set(texts(axes)) == {"2.00"}


def test_bias_beyond_the_axis_is_an_arrow_and_undefined_bias_is_said():
    groups = [
        {"value": "es", "others": False, "rows": 5, "actual": 1.0, "predicted": 0.0, "biasRatio": 0.0},
        {"value": None, "others": False, "rows": 4, "actual": 1.0, "predicted": 1e6, "biasRatio": 1e6},
        {"value": "a$b$", "others": False, "rows": 3, "actual": 0.0, "predicted": 1.0, "biasRatio": None},
    ]
    axes = draw(bias_by_group_figure({"groups": {"country": groups}})).axes[0]
    assert y_names(axes) == ["es (5)", "(missing) (4)", r"a\$b\$ (3)"]
    assert texts(axes) == ["0.00", "1e+06", "no revenue"]
    assert [line.get_marker() for line in axes.lines if len(line.get_xdata()) == 1] == ["<", ">"]


def test_bias_of_one_country_without_revenue():
    frame = degenerate()
    axes = draw(bias_by_group_figure(part_of(frame, np.ones(len(frame))))).axes[0]
    assert texts(axes) == ["no revenue"]


# Lorenz


def test_lorenz_curve_by_hand_with_a_tie():
    installs, revenue = lorenz_curve(np.array([1.0, 0.0, 3.0]), np.array([4.0, 4.0, 9.0]))
    assert installs.tolist() == [0, 1 / 3, 1] and revenue.tolist() == [0, 0.75, 1]


def test_lorenz_area_is_the_normalised_gini(frame):
    actual = frame[REVENUE].to_numpy()
    predicted = actual * np.random.Generator(np.random.PCG64(1)).uniform(0.1, 3, len(actual))
    areas = [np.trapezoid(y, x) - 0.5 for x, y in (lorenz_curve(actual, predicted), lorenz_curve(actual, actual))]
    assert areas[0] / areas[1] == pytest.approx(measure(actual, predicted)["normalisedGini"], rel=1e-9)
    whole, top = draw(lorenz_figure(actual, predicted)).axes
    assert len(whole.lines) == len(top.lines) == 3 and top.get_xscale() == "log"
    assert f"normalised Gini {areas[0] / areas[1]:.4g}" in whole.get_legend().get_texts()[1].get_text()


def test_lorenz_of_a_constant_prediction_and_of_no_revenue():
    whole, _ = draw(lorenz_figure(np.array([0.0, 1.0, 2.0]), np.ones(3))).axes
    assert dots(whole.lines[1]) == [(0, 0), (1, 1)]
    assert texts(draw(lorenz_figure(np.zeros(5), np.ones(5))).axes[0]) == ["no revenue"]


# residuals


def test_residuals_draw_flagged_rows_apart(frame, flagged):
    actual = frame[REVENUE].to_numpy()
    each, bands = draw(residuals_figure(actual, actual * 0.5, flagged)).axes
    _, usual, marked = each.lines
    assert len(usual.get_xdata()) == np.count_nonzero(~flagged) and len(marked.get_xdata()) == np.count_nonzero(flagged)
    assert each.get_legend() is not None
    names, _ = revenue_bands(actual)
    assert y_names(bands) == names
    assert sum(bars(bands)[: len(names)]) == pytest.approx(1) and sum(bars(bands)[len(names) :]) == pytest.approx(1)


def test_residuals_of_many_rows_are_a_sample(frame):
    actual = np.resize(frame[REVENUE].to_numpy(), SHOWN_POINTS + 1000)
    each, _ = draw(residuals_figure(actual, actual + 1, np.zeros(len(actual), dtype=bool))).axes
    assert len(each.lines[1].get_xdata()) == SHOWN_POINTS
    assert "20,000 of 21,000" in each.get_title(loc="left") and each.get_legend() is None


def test_residuals_of_perfect_predictions_of_nothing():
    each, bands = draw(residuals_figure(np.zeros(5), np.zeros(5), np.zeros(5, dtype=bool))).axes
    assert dots(each.lines[1]) == [(0.0, 0.0)] * 5
    assert y_names(bands) == ["0"] and bars(bands) == [1.0, 0.0]


def test_revenue_bands_by_hand():
    names, band = revenue_bands(np.array([0.0, 0.5, 3.0, 10.0, 50.0]))
    assert names == ["0", "0 to 1", "1 to 10", "over 10"] and band.tolist() == [0, 1, 2, 2, 3]


# the model


def test_importances_are_the_largest_gains(model):
    axes = draw(importance_figure(model)).axes[0]
    gain = dict(zip(model.plan.features, model.booster.feature_importance("gain")))
    used = sorted((name for name in gain if gain[name]), key=lambda name: -gain[name])[:20]
    assert y_names(axes) == used
    assert bars(axes)[0] == pytest.approx(gain[used[0]] / sum(gain.values()))


def test_a_model_without_splits_has_no_importances(frame):
    few = frame.iloc[:30].assign(revenue=np.arange(30.0))
    figures = importance_figure(fitted(few, "tweedie")), shap_figure(fitted(few, "regression"), few)
    assert [texts(draw(figure).axes[0])[0] for figure in figures] == ["the trees have no split"] * 2


@pytest.mark.parametrize("objective", ["tweedie", "regression"])
def test_shap_shows_each_install_once_a_feature_where_lightgbm_puts_it(frame, objective):
    model = fitted(frame, objective)
    some = frame.iloc[:200]
    axes = draw(shap_figure(model, some)).axes[0]
    contributions = model.booster.predict(model.plan.apply(some).features, pred_contrib=True)
    top = y_names(axes)[0]
    place = model.plan.features.index(top)
    assert place == np.argmax(np.abs(contributions[:, :-1]).mean(axis=0)) and len(y_names(axes)) <= 15
    missing, known = (np.asarray(dotted.get_offsets()) for dotted in axes.collections[:2])
    assert len(missing) + len(known) == 200
    drawn = np.sort(np.concatenate([missing[:, 0], known[:, 0]]))
    assert drawn == pytest.approx(np.sort(contributions[:, place]))
    assert np.all(np.abs(known[:, 1]) <= 0.4)
    assert ("log of the expected revenue" in axes.get_xlabel()) == (objective == "tweedie")


def test_shap_of_one_install_and_of_nulls(model):
    draw(shap_figure(model, degenerate(1)))
    draw(shap_figure(model, degenerate()))


# the comparison


def scores(*, parts: tuple[str, ...], mae: float = 1.0) -> pd.DataFrame:
    rows = [
        {"model": name, "part": part, "fold": fold, "mae": mae * factor * (1 + fold / 10)}
        for name, factor in (("mean", 50), ("LightGBM", 1), ("Ridge", 9))
        for part in parts
        for fold in range(3)
    ]
    return pd.DataFrame(rows)


def test_comparison_has_the_best_on_top_with_every_fold():
    figure = draw(comparison_figure(scores(parts=("all", "withoutFlagged"))))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["All installs: best on top", "Without flagged groups: best on top"]
    axes = figure.axes[0]
    assert y_names(axes) == ["LightGBM", "Ridge", "mean"] and axes.get_xscale() == "log"
    spread, folds, mean = axes.lines[:3]
    assert spread.get_xdata() == pytest.approx([1, 1.2]) and len(folds.get_xdata()) == 3
    assert mean.get_xdata() == pytest.approx([1.1]) and texts(axes)[0] == "1.1"


def test_comparison_without_flagged_rows_and_of_perfect_models():
    figure = draw(comparison_figure(scores(parts=("all",), mae=0.0)))
    assert len(figure.axes) == 1 and figure.axes[0].get_xscale() == "linear"


def test_tuning_has_a_panel_for_each_fold_with_the_best_so_far():
    tuning = pd.DataFrame({"fold": [0, 0, 0, 1, 1], "trial": [0, 1, 2, 0, 1], "value": [3.0, 1.0, 2.0, 4.0, 4.0]})
    first, second = draw(tuning_figure(tuning)).axes
    assert [axes.get_title(loc="left") for axes in (first, second)] == ["fold 0", "fold 1"]
    assert first.lines[0].get_ydata().tolist() == [3, 1, 2] and first.lines[1].get_ydata().tolist() == [3, 1, 1]


def test_no_tuning_is_said():
    assert texts(draw(tuning_figure(pd.DataFrame())).axes[0]) == ["nothing was tuned"]
    assert best_trials(pd.DataFrame()).empty


def test_seven_folds_take_two_rows():
    tuning = pd.DataFrame({"fold": range(7), "trial": [0] * 7, "value": [1.0] * 7})
    assert [axes.get_visible() for axes in draw(tuning_figure(tuning)).axes] == [True] * 7 + [False] * 3


def test_the_best_trial_of_each_fold():
    tuning = pd.DataFrame({"fold": [1, 1, 0], "trial": [0, 1, 0], "value": [3.0, 1.0, 2.0]})
    assert best_trials(tuning)["trial"].to_dict() == {0: 0, 1: 1}


def test_an_evaluation_as_a_table(frame, flagged):
    revenue = frame[REVENUE].to_numpy()
    table = interval_table(evaluate(frame, revenue, revenue * 2, flagged, SEED))
    assert table.loc["rows"].tolist() == ["1500", "", str(np.count_nonzero(~flagged)), ""]
    assert table.loc["biasRatio"].tolist() == ["2", "2 to 2", "2", "2 to 2"]
    assert interval_table(evaluate(frame, revenue, revenue, ~flagged | True, SEED)).shape[1] == 2


# the data


def test_revenue_counts_every_payer_and_the_share_of_the_top(frame, flagged):
    revenue = frame[REVENUE].to_numpy()
    spread, top = draw(revenue_figure(frame, flagged)).axes
    assert sum(patch.get_height() for patch in spread.patches) == np.count_nonzero(revenue)
    assert percent(np.mean(revenue == 0)) in spread.get_title(loc="left") and spread.get_legend() is not None
    assert y_names(top)[2] == "top 5%"
    assert bars(top)[2] == pytest.approx(np.sort(revenue)[::-1][:75].sum() / revenue.sum())
    assert draw(revenue_figure(frame, np.zeros(len(frame), dtype=bool))).axes[0].get_legend() is None


def test_events_count_every_install_with_some(frame):
    for axes, event in zip(draw(events_figure(frame)).axes, NUMBER_FIELDS):
        assert sum(patch.get_height() for patch in axes.patches) == np.count_nonzero(frame[event] > 0)
        assert axes.get_title(loc="left").startswith(f"{event}: ")


def test_whole_counts_have_no_bin_between_them():
    assert count_bins(np.array([1.0, 2.0, 5.0])).tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert len(count_bins(np.array([0.5, 2.0]))) == 41


def test_nulls_name_every_field(frame):
    axes = draw(nulls_figure(frame)).axes[0]
    shares = dict(zip(y_names(axes), bars(axes)))
    assert shares == pytest.approx(frame[list(FIELDS)].isna().mean().to_dict())
    assert bars(axes) == sorted(bars(axes), reverse=True) and "none" in texts(axes)


def test_correlations_are_spearmans(frame):
    names = [*NUMBER_FIELDS, REVENUE]
    expected = frame[names].corr("spearman").to_numpy()
    assert rank_correlations(frame[names]) == pytest.approx(expected, abs=1e-12)
    axes = draw(correlation_figure(frame)).axes[0]
    assert texts(axes)[7] == f"{expected[1, 3]:.2f}"


def test_groups_have_their_flagged_rows_apart(frame, flagged):
    table = group_revenue(frame, flagged, "source", "ascii_lower")
    organic = frame[(frame["source"] == "Organic") & flagged]
    row = table[(table["name"] == "organic") & table["flagged"]].iloc[0]
    assert row["installs"] == len(organic) and row["per install"] == pytest.approx(organic[REVENUE].mean())
    assert row["per event"] == pytest.approx(organic[REVENUE].sum() / organic[list(NUMBER_FIELDS)].sum().sum())
    assert len(draw(revenue_by_group_figure(frame, flagged)).legends[0].get_texts()) == 2


def test_a_small_flagged_group_is_shown_too(frame):
    flagged = (frame["country"] == "tr").to_numpy()
    table = group_revenue(frame, flagged, "country", "ascii_lower")
    assert table["name"].iloc[-1] == "tr" and table["flagged"].iloc[-1] and table["order"].max() <= 10


def test_groups_are_named_with_their_size(frame):
    figure = draw(revenue_by_group_figure(frame, np.zeros(len(frame), dtype=bool)))
    left, right = figure.axes[:2]
    assert y_names(left)[0] == f"us ({np.count_nonzero(frame['country'] == 'us'):,})" and len(y_names(left)) == 10
    assert set(y_names(right)) == {""} and left.get_xscale() == "log"
    assert len(figure.legends[0].get_texts()) == 1


def test_event_and_revenue_count_every_install_with_both(frame, flagged):
    both = ((frame["event_2"] > 0) & (frame[REVENUE] > 0)).to_numpy()
    axes, *_ = draw(event_revenue_figure(frame, flagged)).axes
    assert np.ma.sum(axes.collections[0].get_array()) == np.count_nonzero(both & ~flagged)
    median, marked = axes.lines
    assert len(marked.get_xdata()) == np.count_nonzero(both & flagged) and median.get_label() == "median"


def test_data_with_nothing_in_it_is_drawn():
    frame = degenerate()
    assert [texts(axes) for axes in draw(events_figure(frame)).axes] == [["no value above 0"]] * 3
    assert bars(draw(nulls_figure(frame)).axes[0])[0] == 1
    assert set(texts(draw(correlation_figure(frame)).axes[0])) == {"constant"}


@pytest.mark.parametrize("rows_flagged", [False, True])
def test_revenue_of_nothing_is_drawn(rows_flagged):
    frame = degenerate()
    flagged = np.full(len(frame), rows_flagged)
    spread, top = draw(revenue_figure(frame, flagged)).axes
    assert texts(spread) == ["no value above 0"] and texts(top) == ["no revenue"]
    assert y_names(draw(revenue_by_group_figure(frame, flagged)).axes[0]) == ["es (60)"]
    assert texts(draw(event_revenue_figure(frame, flagged)).axes[0]) == ["no install has both"]


def test_data_that_is_all_the_same_is_drawn(frame):
    same = frame.iloc[np.zeros(50, dtype=int)].assign(event_1=1.0, event_2=2.0, event_3=3.0, revenue=0.5)
    for flagged in (np.zeros(50, dtype=bool), np.ones(50, dtype=bool)):
        draw(revenue_figure(same, flagged))
        draw(revenue_by_group_figure(same, flagged))
        draw(event_revenue_figure(same, flagged))
        draw(residuals_figure(np.full(50, 0.5), np.full(50, 0.5), flagged))
    draw(events_figure(same))


# the style


def test_labels_are_short_and_drawable():
    assert label(None) == "(missing)" and label("x" * 30) == "x" * 23 + "…"
    assert label("a$b\n県") == r"a\$b□□"


def test_numbers_and_shares_keep_what_counts():
    assert [plain(value) for value in (0, 0.001, 1.5, 12000)] == ["0", "0.001", "1.5", "12,000"]
    assert [plain(value) for value in (1e-6, 1e9)] == ["1e-06", "1e+09"]
    assert [percent(share) for share in (0, 0.0031, 0.12, 0.9962, 1)] == ["0%", "0.31%", "12%", "99.62%", "100%"]


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1, 2, 3], "linear"),
        ([0, 0], "linear"),
        ([0.01, 100], "log"),
        ([0, 0.01, 100], "symlog"),
        ([-5, 1e-9, 1e9], "symlog"),
    ],
)
def test_axes_fit_the_span_of_the_values(values, scale):
    axes = new_figure(4, 3).subplots()
    tail_axis(axes, "x", np.array(values, dtype=float))
    assert axes.get_xscale() == scale
    assert len(axes.get_xticks()) <= 10


def test_a_figure_becomes_a_picture_and_enters_no_list_of_pyplots(frame):
    from matplotlib import pyplot

    file = io.BytesIO()
    nulls_figure(frame).savefig(file, format="png", dpi=50)
    assert file.getvalue().startswith(b"\x89PNG") and pyplot.get_fignums() == []


@pytest.mark.parametrize("roles", [True, False])
def test_the_figures_of_a_described_table(roles):
    kinds = {"geo": ("text", "facet"), "taps": ("number", "event"), "spent": ("number", "amount")}
    fields = [{"name": name, "kind": kind, "roles": [role] if roles else []} for name, (kind, role) in kinds.items()]
    inputs = schema_of(fields)
    g = np.random.Generator(np.random.PCG64(1))
    columns = {"geo": g.choice(["a", "b", None], 60), "taps": g.poisson(2.0, 60) * 1.0, "spent": g.gamma(1, 1, 60)}
    frame = pd.DataFrame({**columns, "revenue": g.gamma(1, 1, 60)})
    none = np.zeros(60, dtype=bool)
    revenue_figure(frame, none, inputs)
    assert texts_of(nulls_figure(frame, inputs)) >= {"geo", "taps", "spent"}
    assert {"taps", "spent", "revenue"} <= texts_of(correlation_figure(frame, inputs))
    shown = [events_figure(frame, inputs), event_revenue_figure(frame, none, inputs)]
    shown.append(revenue_by_group_figure(frame, none, inputs))
    said = [" ".join(texts_of(each)) for each in shown]
    if roles:
        assert "taps: " in said[0] and "spent: " in said[0] and "spent and revenue" in said[1] and "by geo" in said[2]
    else:
        assert "role event" in said[1] and "role facet" in said[2]


def texts_of(figure: Figure) -> set[str]:
    figure.canvas.draw()
    return {text.get_text() for text in figure.findobj(Text)}
