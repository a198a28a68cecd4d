"""LightGBM's parameters: the defaults, the types of overrides, and every override that is refused."""

import pytest

from day7_training.errors import UserError
from day7_training.model.parameters import OBJECTIVES, resolve_parameters


def test_overrides_take_their_types_and_win_over_defaults():
    parameters = resolve_parameters("tweedie", {"num_leaves": "5", "zero_as_missing": "true", "metric": "rmse"})
    assert parameters["num_leaves"] == 5 and parameters["zero_as_missing"] is True and parameters["metric"] == "rmse"
    assert parameters["tweedie_variance_power"] == 1.6 and parameters["deterministic"] is True


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_defaults_are_good_for_every_objective(objective):
    assert resolve_parameters(objective, {})["objective"] == objective


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ({"foo": "1"}, "Unknown parameter: foo"),
        ({"eta": "0.1"}, "eta=0.1 will be ignored"),
        ({"boosting": "rf"}, "expected one of gbdt, dart"),
        ({"boosting_type": "rf"}, "boosting_type=rf will be ignored"),
        ({"linear_tree": "true"}, "linear trees cannot be served yet"),
        ({"linear_trees": "true"}, "will be ignored"),
        ({"objective": "binary"}, "use --objective"),
        ({"app": "binary"}, "app=binary will be ignored"),
        ({"num_iterations": "9"}, "use --max-trees"),
        ({"n_estimators": "9"}, "n_estimators=9 will be ignored"),
        ({"cat_column": "0"}, "overridden"),
        ({"num_leaves": "many"}, "should be of type int"),
        ({"num_leaves": "5 boosting=rf"}, "expected a value without blanks"),
    ],
)
def test_overrides_that_cannot_be_taken_are_refused(override, expected):
    with pytest.raises(UserError) as caught:
        resolve_parameters("tweedie", override)
    assert expected in str(caught.value)
