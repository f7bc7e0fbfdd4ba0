"""The client that replays and records, against a scripted model."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fakes import ScriptedModel, says
from recordings_of import FULL, conversation, record, request, slot, trial_record

from pytest_codeact.cassettes import CassetteModel, read_cassette
from pytest_codeact.errors import ProviderError, RecordingError
from pytest_codeact.providers import Reply, Request
from pytest_codeact.records import Message

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_codeact.providers import Provider


def test_replay_gives_everything_that_was_recorded(tmp_path: Path) -> None:
    """Message, what its provider wants back, usage, cost, seconds, attempts, ids: all but the mode."""
    record(ScriptedModel(FULL), request(), root=tmp_path)
    reply = CassetteModel(slot(tmp_path), ask=None).complete(request())

    assert reply == replace(FULL, mode="replay")
    # What `==` leaves out.
    assert (reply.model_s, reply.waited_s, reply.attempts, reply.request_id) == (0.125, 2.5, FULL.attempts, "req_1")


def test_mappings_keep_their_order(tmp_path: Path) -> None:
    """A tool may show its arguments in the order in which it got them."""
    first, _ = conversation(tmp_path)
    reply = CassetteModel(slot(tmp_path), ask=None).complete(first)
    (call,) = reply.message.tool_calls
    assert isinstance(call.arguments, dict)

    assert list(call.arguments) == ["z", "a"]


def test_later_request_is_stored_as_what_it_adds(tmp_path: Path) -> None:
    """No message is in the file twice."""
    conversation(tmp_path)
    cassette = read_cassette(slot(tmp_path).path)
    assert cassette is not None
    first, second = cassette.recordings[0].interactions

    assert (first.follows, second.follows) == (None, first.key)
    assert [each["role"] for each in second.added] == ["tool"]
    assert [len(messages) for _, messages in cassette.recordings[0].conversations()] == [1, 3]


def test_conversation_that_was_changed_is_stored_whole(tmp_path: Path) -> None:
    """A client in between may leave messages out."""
    record(ScriptedModel(says("one"), says("two")), request(), request(Message(role="user", text="x")), root=tmp_path)
    cassette = read_cassette(slot(tmp_path).path)
    assert cassette is not None

    assert [each.follows for each in cassette.recordings[0].interactions] == [None, None]
    assert list(cassette.problems()) == []


def test_equal_requests_are_told_apart_by_their_place(tmp_path: Path) -> None:
    """The second time the same is asked in a trial, the second reply is given."""
    record(ScriptedModel(says("one"), says("two")), request(), request(), root=tmp_path)
    client = CassetteModel(slot(tmp_path), ask=None)

    assert [client.complete(request()).message.text for _ in range(2)] == ["one", "two"]


@pytest.mark.parametrize(
    "changed",
    [
        {"system": "Act!"},
        {"tools": ()},
        {"parallel_tool_calls": False},
        {"max_output_tokens": 98},
        {"messages": (Message(role="user", text="How much?"),)},
    ],
)
def test_every_part_of_a_request_counts(tmp_path: Path, changed: dict[str, Any]) -> None:
    """A request that differs in one part is another one, and the message names the part."""
    record(ScriptedModel(FULL), request(), root=tmp_path)
    client = CassetteModel(slot(tmp_path), ask=None)

    with pytest.raises(RecordingError, match=f"it differs in: {next(iter(changed))}\n"):
        client.complete(request(**changed))


def test_prompt_cache_is_part_of_a_request(tmp_path: Path) -> None:
    """What was recorded without is no recording of a run with."""
    record(ScriptedModel(FULL), request(), root=tmp_path)

    with pytest.raises(RecordingError, match="it differs in: prompt_cache\n"):
        CassetteModel(slot(tmp_path, prompt_cache=True), ask=None).complete(request())


def test_trial_that_is_not_recorded_names_those_that_are(tmp_path: Path) -> None:
    """The reply of one trial is never given to another."""
    for trial in (1, 3):
        record(ScriptedModel(FULL), request(), root=tmp_path, trial=trial)

    with pytest.raises(RecordingError, match=r"trial 2 is not recorded \(recorded trials: 1, 3\); to record it, run "):
        CassetteModel(slot(tmp_path, 2), ask=None).complete(request())


def test_failure_is_not_recorded(tmp_path: Path) -> None:
    """What the provider raises passes through; what was recorded before it is kept, and gone on with."""
    model = ScriptedModel(says("one"), ProviderError("down"))
    client = CassetteModel(slot(tmp_path), ask=lambda: model)
    client.complete(request())
    with pytest.raises(ProviderError, match="down"):
        client.complete(request())
    again = ScriptedModel(says("two"))
    client = CassetteModel(slot(tmp_path), ask=lambda: again)

    assert [client.complete(request()).message.text for _ in range(2)] == ["one", "two"]
    assert not slot(tmp_path).is_complete()


def test_old_recording_stays_until_the_first_new_reply(tmp_path: Path) -> None:
    """A refresh that gets nothing loses nothing; one that gets a reply replaces the whole trial."""
    conversation(tmp_path)
    before = slot(tmp_path).path.read_text()
    client = CassetteModel(slot(tmp_path), ask=lambda: ScriptedModel(ProviderError("down")), plays=False)
    with pytest.raises(ProviderError, match="down"):
        client.complete(request())
    assert slot(tmp_path).path.read_text() == before
    CassetteModel(slot(tmp_path), ask=lambda: ScriptedModel(says("new")), plays=False).complete(request())
    cassette = read_cassette(slot(tmp_path).path)
    assert cassette is not None

    assert [len(each.interactions) for each in cassette.recordings] == [1]


def test_live_model_is_made_when_it_is_needed(tmp_path: Path) -> None:
    """A trial that is recorded needs neither key nor SDK."""
    first, second = conversation(tmp_path)

    def ask() -> Provider:
        raise AssertionError("not to be asked")

    client = CassetteModel(slot(tmp_path), ask=ask)

    assert client.complete(first).mode == client.complete(second).mode == "replay"


def test_settled_record_has_the_seconds_of_the_recording(tmp_path: Path) -> None:
    """Seconds of actions and tools, and how many trials were in flight, are the recorded ones."""
    model = ScriptedModel(says("one"))
    client = CassetteModel(slot(tmp_path), ask=lambda: model)
    client.complete(request())
    assert client.settle(trial_record(0.25, tool_s=0.125, in_flight=4)) == trial_record(0.25, tool_s=0.125, in_flight=4)
    assert slot(tmp_path).is_complete()
    client = CassetteModel(slot(tmp_path), ask=None)
    client.complete(request())

    assert client.settle(trial_record(7.0, tool_s=8.0)) == trial_record(0.25, tool_s=0.125, in_flight=4)


def test_trial_that_ended_in_an_error_is_not_complete(tmp_path: Path) -> None:
    """Nor is one of which a client in between answered a part itself."""
    for measured in (trial_record(0.25, ended="error"), trial_record(0.25, 0.5)):
        client = CassetteModel(slot(tmp_path), ask=lambda: ScriptedModel(says("one")))
        client.complete(request())
        assert client.settle(measured) == measured

    assert not slot(tmp_path).is_complete()


def test_model_seconds_are_without_those_of_recording(tmp_path: Path) -> None:
    """Where the model does not say how long it took, the clock stops before the file is written."""

    class Slow:
        def complete(self, _: Request) -> Reply:
            return replace(says("one"), waited_s=-5.0)

    (reply,) = record(Slow(), request(), root=tmp_path)

    assert reply.model_s is not None
    assert reply.model_s == pytest.approx(5.0, abs=1.0)


def test_emulated_reply_stays_the_reference_models(tmp_path: Path) -> None:
    """Its figures are labelled as those of the reference model for ever."""
    record(ScriptedModel(replace(FULL, mode="reference")), request(), root=tmp_path)

    assert CassetteModel(slot(tmp_path), ask=None).complete(request()).mode == "reference"


def test_secrets_are_taken_out_before_writing(tmp_path: Path) -> None:
    """No part of the file holds one, and the request is found all the same, with the secret and without."""

    def redact(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("hunter2", "***")
        if isinstance(value, dict):
            return {name: redact(each) for name, each in value.items()}
        return [redact(each) for each in value] if isinstance(value, list) else value

    secret = says("It is hunter2.")
    asked = request(Message(role="user", text="Say hunter2"), system="hunter2", max_output_tokens=7)
    record(ScriptedModel(secret), asked, root=tmp_path, redact=redact)
    text = slot(tmp_path).path.read_text()
    assert "hunter2" not in text
    assert text.count("***") == 3
    for each in (asked, request(Message(role="user", text="Say ***"), system="***", max_output_tokens=7)):
        reply = CassetteModel(slot(tmp_path, redact=redact), ask=None).complete(each)

        assert reply.message.text == "It is ***."
    with pytest.raises(RecordingError) as caught:
        CassetteModel(slot(tmp_path, redact=redact), ask=None).complete(request(system="hunter2!"))
    assert "hunter2" not in str(caught.value)


def test_reply_that_is_no_json_is_an_error(tmp_path: Path) -> None:
    """It says what is kept and what to do; the file stays readable."""
    model = ScriptedModel(says("one"), Reply(message=Message(role="assistant", native={"x": object()}), stop="end"))  # type: ignore[dict-item]  # on purpose

    with pytest.raises(
        RecordingError, match=r"cannot be recorded in .*TypeError: .*what was recorded before it is kept"
    ):
        record(model, request(), request(), root=tmp_path)
    cassette = read_cassette(slot(tmp_path).path)
    assert cassette is not None
    assert len(cassette.recordings[0].interactions) == 1


def test_trials_recorded_at_the_same_time_are_all_there(tmp_path: Path) -> None:
    """Eight threads, each with trials of one scenario: none is lost, and the file is readable at any time."""
    begin = threading.Barrier(8)

    def worker(number: int) -> None:
        begin.wait(30)
        for trial in range(number, 40, 8):
            conversation(tmp_path, trial + 1)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(worker, number) for number in range(8)]:
            while not done.done():
                read_cassette(slot(tmp_path).path)
            done.result()
    cassette = read_cassette(slot(tmp_path).path)
    assert cassette is not None

    assert [each.trial for each in cassette.recordings] == list(range(1, 41))
    assert {len(each.interactions) for each in cassette.recordings} == {2}
    assert list(cassette.problems()) == []


def test_unreadable_cassette_is_found_before_anything_is_paid(tmp_path: Path) -> None:
    """Only the mode that records anew takes its place."""
    path = slot(tmp_path).path
    path.parent.mkdir(parents=True)
    path.write_text("{")
    model = ScriptedModel(says("one"))
    with pytest.raises(RecordingError, match=r"is no cassette, or a damaged one .*--codeact-mode=refresh"):
        CassetteModel(slot(tmp_path), ask=lambda: model)
    assert model.requests == []

    CassetteModel(slot(tmp_path), ask=lambda: model, plays=False).complete(request())

    assert CassetteModel(slot(tmp_path), ask=None).complete(request()).message.text == "one"
