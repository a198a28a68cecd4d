"""Documents of input schemas, good and bad: the same fixture, and the same words and ids, as the service's tests have."""

from __future__ import annotations

import json

import pytest
from inputs_fixture import DOCUMENTS, ROOT, schema_of

from day7_training.errors import UserError
from day7_training.inputs.faults import Fault
from day7_training.inputs.kinds import json_schema_of
from day7_training.inputs.rows import frame_of_rows, row_from_object
from day7_training.inputs.schema import NINE_FIELDS, parse_input_schema, read_input_schema

CASES = [json.loads(line) for line in DOCUMENTS.read_text("utf-8").splitlines()]
BAD = [case for case in CASES if "error" in case]
GOOD = [case for case in CASES if "id" in case]

INSTALL = {field.name: "x" if field.kind == "text" else 1 for field in NINE_FIELDS.fields}


def document_of(case):
    if "document" in case:
        return case["document"]
    numbered = [{"name": f"field {place}", "kind": "text"} for place in range(case.get("fieldCount", 0))]
    target = {"name": "revenue", "horizonDays": 7}
    return {"format": "day7-inputs/1", "fields": case.get("fields", numbered), "target": target}


@pytest.mark.parametrize("case", BAD, ids=[case["about"] for case in BAD])
def test_a_bad_document_is_refused_in_the_same_words(case):
    with pytest.raises(UserError) as refused:
        parse_input_schema(document_of(case))
    assert str(refused.value) == case["error"]


@pytest.mark.parametrize("case", GOOD, ids=[case["about"] for case in GOOD])
def test_a_good_document_has_the_same_id(case):
    assert parse_input_schema(document_of(case)).id == case["id"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
def test_numbers_that_no_double_holds_are_refused(number):
    document = f'{{"format":"day7-inputs/1","fields":[{{"name":"a","kind":"number","minimum":{number}}}]}}'
    with pytest.raises(UserError, match=r"fields\[0\]\.minimum: expected a number from"):
        parse_input_schema(json.loads(document))
    target = f'{{"name":"revenue","horizonDays":{number}}}'
    document = f'{{"format":"day7-inputs/1","fields":[{{"name":"a","kind":"text"}}],"target":{target}}}'
    with pytest.raises(UserError, match=r"target\.horizonDays: expected a number > 0"):
        parse_input_schema(json.loads(document))


def test_a_schema_knows_its_fields_its_roles_and_its_target():
    schema = parse_input_schema(document_of(next(case for case in GOOD if case["about"] == "everything said")))
    assert [field.kind for field in schema.fields] == ["text", "number", "boolean", "time"]
    country = schema.fields[0]
    assert (country.column, country.max_length, country.trim, country.required) == (" Country ", 2, True, False)
    assert (country.missing, country.roles) == (("NA", ""), ("facet", "personal", "group"))
    assert (schema.index_of("b"), schema.index_of("z")) == (2, -1)
    assert [field.name for field in schema.with_role("facet")] == ["country", "b"]
    assert (schema.user_id_column, schema.target.column, schema.target.horizon_days) == ("player", "rev 7", 2.5)


def test_the_nine_fields_are_those_of_the_service():
    ours = ROOT / "training/day7_training/inputs/nine-fields.json"
    assert ours.read_bytes() == (ROOT / "src/inputs/nine-fields.json").read_bytes()
    assert json_schema_of(NINE_FIELDS.fields[8]) == {
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 1e300,
        "description": "How often event 3 happened on the first day; null if it is not known.",
        "examples": [10],
    }


def test_a_time_and_a_unit_are_described():
    schema = parse_input_schema(
        {
            "format": "day7-inputs/1",
            "fields": [
                {"name": "at", "kind": "time", "format": "day_first"},
                {"name": "spent", "kind": "number", "description": "On the first day.", "unit": "USD"},
            ],
            "target": {"name": "revenue", "horizonDays": 7},
        }
    )
    described = [json_schema_of(field)["description"] for field in schema.fields]
    assert described == [
        "Time as day/month/year, in ISO 8601 or as epoch, UTC unless it says otherwise.",
        "On the first day. Unit: USD.",
    ]


def test_a_file_that_is_no_json_is_named(tmp_path):
    path = tmp_path / "inputs.json"
    with pytest.raises(UserError, match="inputs.json: expected an input schema in JSON"):
        read_input_schema(path)
    for text in ("{", "[" * 100_000, "\ud800"):
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        with pytest.raises(UserError, match="inputs.json: expected an input schema in JSON"):
            read_input_schema(path)
    path.write_text(json.dumps(NINE_FIELDS.document))
    assert read_input_schema(path).id == NINE_FIELDS.id


def test_what_is_absent_is_a_fault_or_null():
    without = {name: value for name, value in INSTALL.items() if name != "event_3"}
    assert row_from_object(NINE_FIELDS, without).message == "event_3: expected, but it is missing"
    assert row_from_object(NINE_FIELDS, without, "cell")[-1] is None
    assert isinstance(row_from_object(NINE_FIELDS, {}, "cell"), Fault)
    assert row_from_object(schema_of([{"name": "a", "kind": "text", "required": False}]), {}) == [None]


def test_a_frame_has_a_column_a_field():
    rows = [row_from_object(NINE_FIELDS, INSTALL | changes) for changes in ({}, {"country": None, "event_3": None})]
    frame = frame_of_rows(NINE_FIELDS, rows)
    assert list(frame.columns) == [field.name for field in NINE_FIELDS.fields]
    assert frame["country"].tolist() == ["x", None]
    assert frame["country"].dtype == object
    assert frame["event_3"].dtype == float
    assert frame["event_3"].isna().tolist() == [False, True]
    empty = frame_of_rows(NINE_FIELDS, [])
    assert (len(empty), empty["event_1"].dtype, empty["country"].dtype) == (0, float, object)
