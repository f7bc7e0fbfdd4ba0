"""Records and their JSON form."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from records_of import call, record, turn, usage

from pytest_codeact.errors import RecordError
from pytest_codeact.records import RESULT_PREVIEW_BYTES, TrialRecord


def test_record_survives_json() -> None:
    """What goes in comes out, nested values included."""
    turns = (turn(0, tokens=usage(counted_by="tekken"), statuses=("error", "final")), turn(1))
    before = record(turns=turns, calls=(call({"a": [1, None, 2.5]}), call(None, error="no such id")))

    assert TrialRecord.from_json(before.to_json()) == before


def test_json_form_is_one_line_of_ascii() -> None:
    """A lone surrogate, a line break and a control character in a model's text cannot break the transport."""
    text = record(calls=(call("\ud800 \n \x1b ü"),)).to_json()

    assert text.isascii()
    assert "\n" not in text
    assert TrialRecord.from_json(text).calls[0].result == "\ud800 \n \x1b ü"


@pytest.mark.parametrize(("size", "kept"), [(RESULT_PREVIEW_BYTES, "ok"), (RESULT_PREVIEW_BYTES + 1, None)])
def test_large_result_is_left_out_of_the_json_form(size: int, kept: str | None) -> None:
    """A result of more than the preview's size stays behind; its size does not."""
    after = TrialRecord.from_json(record(calls=(call("ok", size=size),)).to_json())

    assert (after.calls[0].result, after.calls[0].result_bytes) == (kept, size)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '"x"'])
def test_what_is_not_a_record_is_refused(text: str) -> None:
    """Any other text is named as such."""
    with pytest.raises(RecordError) as caught:
        TrialRecord.from_json(text)

    assert str(caught.value) == f"not a trial record: {text!r}; expected what TrialRecord.to_json wrote"


def test_record_of_another_schema_is_refused() -> None:
    """A record of another version says which, and what to do."""
    text = json.dumps({**json.loads(record().to_json()), "schema": 99})
    with pytest.raises(RecordError) as caught:
        TrialRecord.from_json(text)

    assert str(caught.value) == (
        "trial record of schema 99; this version reads 3; "
        "run the trial again, or read it with the version that wrote it"
    )


def test_damaged_record_is_refused() -> None:
    """A record with a field too few says so."""
    fields = json.loads(record().to_json())
    del fields["arm"]
    with pytest.raises(RecordError) as caught:
        TrialRecord.from_json(json.dumps(fields))

    assert str(caught.value).startswith("damaged trial record: ")
    assert "'arm'" in str(caught.value)
    assert str(caught.value).endswith("; run the trial again")


def cyclic() -> dict[str, Any]:
    """Make a dict in itself."""
    value: dict[str, Any] = {}
    value["again"] = value
    return value


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"price": Decimal(1)}, "record.calls[0].arguments['price'] is a Decimal"),
        ({"ids": [1, {2}]}, "record.calls[0].arguments['ids'][1] is a set"),
        ({(1, 2): 3}, "record.calls[0].arguments has the key (1, 2)"),
        (cyclic(), "... contains itself, or is nested too deeply"),
    ],
    ids=["decimal", "set", "key", "cycle"],
)
def test_record_that_json_cannot_hold_says_where(arguments: Any, fault: str) -> None:
    """The message names scenario, trial, field and type, and who can mend it."""
    made = replace(record(trial=4), calls=(replace(call(), arguments=arguments),))
    with pytest.raises(RecordError) as caught:
        made.to_json()

    message = str(caught.value)
    assert message.startswith(
        "test_a.py::test_one: trial 4 of arm 'direct', model 'reference', cannot be recorded: record.calls[0].arguments"
    )
    assert fault in message
    assert message.endswith(
        "; allowed are None, bool, int, float, str, list and dict; whoever made the value (provider, arm, runtime) "
        "must convert it"
    )
