"""Several ensembles in a bundle: what each option trains and writes, how Python combines it, and what is refused."""

import hashlib
import json

import lightgbm as lgb
import numpy as np
import pytest
from conftest import ROW

from day7_training.bundle.folder import open_bundle
from day7_training.bundle.replay import replay
from day7_training.cli import main
from day7_training.data.decimals import round_half_up
from day7_training.data.installs import installs_frame
from day7_training.data.table import read_table
from day7_training.errors import UserError
from day7_training.example import fit as fit_module
from day7_training.example.fit import ExampleRecipe
from day7_training.features.folds import fold_numbers
from day7_training.inputs.schema import NINE_FIELDS
from day7_training.model.combination import Combination
from day7_training.model.composition import Composition, learner_of
from day7_training.model.parameters import SEED, resolve_parameters
from day7_training.progress import no_progress
from day7_training.registry.pyfunc import _load_pyfunc

REPORTS = {"golden.ndjson", "profile.json", "evaluation.json", "features.json"}


def run(data, out, *options) -> int:
    arguments = ["train", "--data", data, "--out", out, "--no-mlflow", "--synthetic", *options]
    return main([str(argument) for argument in arguments])


def refused(capsys, *arguments) -> str:
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error.splitlines()[-1]


def manifest_of(bundle):
    return json.loads((bundle / "manifest.json").read_text())


def golden_of(bundle):
    return [json.loads(line) for line in (bundle / "golden.ndjson").read_text().split("\n")[:-1]]


@pytest.fixture(scope="module")
def two_part(synthetic_csv, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundles") / "two-part"
    assert run(synthetic_csv, out, "--two-part", "--with-interval", "--objective", "gamma", "--max-trees", 20) == 0
    return out


@pytest.fixture(scope="module")
def mean(synthetic_csv, tmp_path_factory):
    # As many trees as the plain bundle may have.
    out = tmp_path_factory.mktemp("bundles") / "mean"
    assert run(synthetic_csv, out, "--mean-of", 2, "--with-interval", "--max-trees", 30) == 0
    return out


def test_the_manifest_says_how_ensembles_are_combined(two_part, mean):
    manifest = manifest_of(two_part)
    assert manifest["format"] == "day7-bundle/2" and manifest["objective"] == "gamma"
    assert manifest["offset"] == "payer_log_expected_revenue" and "expected_revenue" in manifest["features"]
    assert manifest["prediction"] == {
        "combine": "hurdle",
        "ensembles": [
            {"role": "payer", "file": "payer.json", "objective": "binary", "offset": False},
            {"role": "amount", "file": "amount.json", "objective": "gamma", "offset": True},
        ],
        "interval": {
            "p10": {"file": "p10.json", "objective": "quantile", "offset": False},
            "p90": {"file": "p90.json", "objective": "quantile", "offset": False},
        },
    }
    names = ["payer", "amount", "p10", "p90"]
    assert manifest["files"].keys() == REPORTS | {f"{name}.{kind}" for name in names for kind in ("json", "txt")}
    trees = b"".join((two_part / f"{name}.json").read_bytes() for name in names)
    content = (two_part / "features.json").read_bytes() + trees
    assert manifest["version"] == hashlib.sha256(content).hexdigest()[:12]
    boosters = {name: lgb.Booster(model_file=two_part / f"{name}.txt") for name in names}
    assert manifest["parameters"]["num_iterations"] == sum(each.num_trees() for each in boosters.values())
    assert [f"[alpha: {alpha}]" in (two_part / f"p{alpha[2:]}0.txt").read_text() for alpha in ("0.1", "0.9")] == [
        True
    ] * 2

    prediction = manifest_of(mean)["prediction"]
    assert prediction["combine"] == "mean" and prediction["interval"] is not None
    assert [(each["role"], each["file"], each["offset"]) for each in prediction["ensembles"]] == [
        ("revenue", "model-1.json", True),
        ("revenue", "model-2.json", True),
    ]


def test_the_first_of_a_mean_is_the_plain_model(mean, bundle):
    first, second, plain = (
        json.loads(path.read_text())["tree_info"]
        for path in (mean / "model-1.json", mean / "model-2.json", bundle / "model.json")
    )
    # The first tree bears the factor by which the sum of the mean is right, which is another.
    assert first[1:] == plain[1:] != second[1:]
    assert (mean / "features.json").read_bytes() == (bundle / "features.json").read_bytes()


def test_an_interval_leaves_the_prediction_as_it_is(synthetic_csv, bundle, mean, tmp_path):
    assert run(synthetic_csv, tmp_path / "out", "--with-interval", "--max-trees", 30) == 0
    for file in ("model.json", "model.txt", "features.json", "profile.json"):
        assert (tmp_path / "out" / file).read_bytes() == (bundle / file).read_bytes(), file
    for file in ("p10.json", "p90.json"):
        assert (tmp_path / "out" / file).read_bytes() == (mean / file).read_bytes(), file
    with_it, without = (manifest_of(each)["metrics"]["holdout"] for each in (tmp_path / "out", bundle))
    coverage = {name: with_it.pop(name) for name in ("withinInterval", "belowInterval", "aboveInterval")}
    assert with_it == without and sum(coverage.values()) == pytest.approx(1)
    assert [line["output"] for line in golden_of(tmp_path / "out")] == [line["output"] for line in golden_of(bundle)]


@pytest.mark.parametrize("kind", ["two_part", "mean"])
def test_golden_predictions_are_those_of_the_saved_ensembles(kind, request):
    folder = request.getfixturevalue(kind)
    manifest, model = open_bundle(folder)
    lines = golden_of(folder)
    assert len(lines) == 400 and isinstance(model, Combination)
    features, offset, _ = model.plan.apply(installs_frame(line["install"] for line in lines))
    prediction = manifest["prediction"]
    outputs = []
    for place, ensemble in enumerate(prediction["ensembles"]):
        booster = lgb.Booster(model_file=folder / ensemble["file"].replace(".json", ".txt"))
        raw = booster.predict(features, raw_score=True) + (offset if ensemble["offset"] else 0)
        assert raw.tolist() == [line["ensembles"][place]["raw_score"] for line in lines]
        outputs.append(np.array([line["ensembles"][place]["output"] for line in lines]))
        expected = 1 / (1 + np.exp(-raw)) if ensemble["role"] == "payer" else np.exp(raw)
        np.testing.assert_allclose(outputs[-1], expected, rtol=1e-14)
    combined = outputs[0] * outputs[1] if kind == "two_part" else (outputs[0] + outputs[1]) / 2
    assert combined.tolist() == [line["output"] for line in lines] == [line["raw_score"] for line in lines]
    for name, ensemble in prediction["interval"].items():
        booster = lgb.Booster(model_file=folder / ensemble["file"].replace(".json", ".txt"))
        assert booster.predict(features).tolist() == [line["interval"][name]["output"] for line in lines]


def test_an_interval_is_in_order_and_never_below_0(two_part, synthetic_csv):
    frame = read_table(synthetic_csv, NINE_FIELDS, pytest.fail).frame
    _, model = open_bundle(two_part)
    low, high = model.interval
    plain = model.answer(frame).interval
    # The two models exchanged: every quantile crosses, and the answer is the same.
    crossed = Combination(model.plan, model.combine, model.parts, (high._replace(role="p10"), low._replace(role="p90")))
    for interval in (plain, crossed.answer(frame).interval):
        assert np.all(0 <= interval.p10) and np.all(interval.p10 <= interval.p90)
        assert np.array_equal(interval, plain)
    below = np.minimum(low.model.score(model.plan.apply(frame)).outputs, 0)
    assert np.all(plain.p10[below < 0] == 0)


def test_the_evaluation_is_of_the_combination(two_part, mean, bundle):
    metrics, plain = manifest_of(two_part)["metrics"]["holdout"], manifest_of(bundle)["metrics"]["holdout"]
    assert metrics["rows"] == 1500 and metrics["normalisedGini"] > 0.8 and 0.5 < metrics["biasRatio"] < 1.5
    assert metrics["mae"] < 2 * plain["mae"]
    assert 0 < metrics["aboveInterval"] < 0.2 and metrics["belowInterval"] < 0.1
    # Two seeds agree but for a little, and what is measured is neither of them.
    other = manifest_of(mean)["metrics"]["holdout"]
    assert other["mae"] == pytest.approx(plain["mae"], rel=0.2) and other["mae"] != plain["mae"]
    evaluation = json.loads((two_part / "evaluation.json").read_text())["all"]
    low, high = evaluation["intervals"]["aboveInterval"]
    assert low < metrics["aboveInterval"] < high


def test_all_trees_learn_from_rows_encoded_out_of_fold(synthetic_csv, monkeypatch):
    frame = read_table(synthetic_csv, NINE_FIELDS, pytest.fail).frame
    revenue = frame["revenue"].to_numpy()
    chosen = int(np.argmax(revenue > 0))
    changed = revenue.copy()
    changed[chosen] = 1e6
    folds = fold_numbers(len(frame), fit_module.FOLD_COUNT, SEED)
    mates = folds == folds[chosen]
    learner = learner_of(Composition(two_part=True, with_interval=True), ExampleRecipe(own_unit=True))

    def seen_by_trees(revenue):
        seen = {}
        monkeypatch.setattr(
            "day7_training.model.composition.boost", lambda title, _, data, *rest: seen.update({title[2:]: data})
        )
        learner.fit("", frame, revenue, resolve_parameters("gamma", {}), 1, no_progress)
        return seen

    before, after = seen_by_trees(revenue), seen_by_trees(changed)
    assert list(before) == ["payer", "amount", "p10", "p90"]
    for name, data in before.items():
        rows = mates[revenue > 0] if name == "amount" else mates
        for values, others in zip(data.encoded[:2], after[name].encoded):
            np.testing.assert_array_equal(values[rows], others[rows], name)
            assert not np.array_equal(values[~rows], others[~rows]), name
        assert data.takes_offset == (name == "amount")
    assert before["payer"].revenue.tolist() == (revenue > 0).tolist()
    assert before["amount"].revenue.tolist() == revenue[revenue > 0].tolist()
    assert before["p10"].revenue.tolist() == before["p90"].revenue.tolist() == revenue.tolist()


def test_replay_compares_the_interval(two_part, synthetic_csv):
    frame = read_table(synthetic_csv, NINE_FIELDS, pytest.fail).frame.head(9)
    _, model = open_bundle(two_part)

    def serve(change):
        def ask(users):
            answers = model.answer(installs_frame(users))
            columns = (answers.revenue, *answers.interval)
            rows = zip(*([round_half_up(value, 6) for value in column.tolist()] for column in columns))
            return [
                change({"predicted_revenue": revenue, "interval": {"p10": low, "p90": high}})
                for revenue, low, high in rows
            ]

        return ask

    assert replay(frame, open_bundle(two_part)[1], serve(lambda answer: answer), 4) == (9, [])
    wider = serve(lambda answer: {**answer, "interval": {**answer["interval"], "p90": 99}})
    equal, differences = replay(frame, open_bundle(two_part)[1], wider, 4)
    assert equal == 0 and "99]" in differences[0]
    equal, differences = replay(frame, open_bundle(two_part)[1], serve(lambda answer: {**answer, "interval": None}), 4)
    assert equal == 0 and len(differences) == 9


def test_the_pyfunc_gives_the_combination(two_part, synthetic_csv):
    frame = read_table(synthetic_csv, NINE_FIELDS, pytest.fail).frame.head(50)
    loaded = _load_pyfunc(str(two_part))
    assert loaded.predict(frame).tolist() == open_bundle(two_part)[1].predict(frame).tolist()


def test_the_card_names_the_ensembles(two_part, tmp_path):
    assert main(["card", "--bundle", str(two_part), "--out", str(tmp_path / "card.md")]) == 0
    card = (tmp_path / "card.md").read_text()
    assert "payer (binary), amount (gamma); p10 and p90 by models of quantiles" in card
    assert "`aboveInterval`" in card


def test_dart_trains_them_too(synthetic_csv, tmp_path, monkeypatch):
    monkeypatch.setattr("day7_training.model.held_out.FOLD_COUNT", 2)
    options = ("--set", "boosting=dart", "--max-trees", 3, "--two-part", "--with-interval")
    assert run(synthetic_csv, tmp_path / "out", *options) == 0
    assert manifest_of(tmp_path / "out")["parameters"]["num_iterations"] == 12


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            ("--two-part", "--objective", "regression"),
            "--two-part: expected --objective tweedie, poisson, gamma, got reg",
        ),
        (
            ("--two-part", "--cluster", "tcp://h:1"),
            "--cluster: expected without --with-interval, --two-part and --mean-of",
        ),
        (("--with-interval", "--cluster", "tcp://h:1"), "--cluster: expected without"),
        (("--mean-of", 2, "--set", "feature_fraction=1", "--max-trees", 3), "--mean-of: the models are all the same"),
    ],
)
def test_options_that_do_not_go_together(options, expected, synthetic_csv, tmp_path, capsys):
    assert expected in refused(capsys, synthetic_csv, tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--two-part", "--mean-of", "2"), "not allowed with argument"),
        (("--mean-of", "1"), "expected a whole number from 2, got '1'"),
    ],
)
def test_wrong_options(options, expected, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(tmp_path / "absent.csv", tmp_path / "out", *options)
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("payers", "expected"), [(99, "at least 100 rows with revenue, got 99"), (191, "at least 10 rows without, got 9")]
)
def test_two_parts_need_rows_of_each(payers, expected, write_csv, tmp_path, capsys):
    revenues = [*range(1, payers + 1), *[0] * (200 - payers)]
    data = write_csv(*(f"{ROW.rpartition(',')[0]},{revenue}" for revenue in revenues))
    assert f"--two-part expects {expected}" in refused(capsys, data, tmp_path / "out", "--two-part")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda prediction: None, "expected the key combine"),
        (
            lambda prediction: {**prediction, "combine": "median"},
            "expected prediction.combine to be one of .* got 'median'",
        ),
        (
            lambda prediction: {**prediction, "combine": "mean"},
            "expected two or more revenue for mean, got payer, amount",
        ),
        (
            lambda prediction: {**prediction, "ensembles": prediction["ensembles"][::-1]},
            "expected payer, amount for hurdle, got amount, payer",
        ),
        (lambda prediction: {**prediction, "interval": {"p10": {}}}, "expected the key p90"),
        (
            lambda prediction: {
                **prediction,
                "interval": {**prediction["interval"], "p90": prediction["interval"]["p10"]},
            },
            "expected it to list p10.json and p10.txt for p90 alone",
        ),
        (
            lambda prediction: {
                **prediction,
                "ensembles": [{**each, "offset": True} for each in prediction["ensembles"]],
            },
            "expected no offset for payer, whose objective is binary",
        ),
    ],
)
def test_a_prediction_that_is_not_understood_is_refused(change, expected, two_part, tmp_path):
    manifest = manifest_of(two_part)
    for file in manifest["files"]:
        (tmp_path / file).write_bytes((two_part / file).read_bytes())
    changed = {**manifest, "prediction": change(manifest["prediction"])}
    (tmp_path / "manifest.json").write_text(json.dumps(changed))
    with pytest.raises(UserError, match=expected):
        open_bundle(tmp_path)
