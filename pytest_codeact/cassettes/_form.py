"""
A cassette: the recorded trials of one scenario in one arm with one model, and its form as JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.attempt import Attempt
from pytest_codeact.cassettes._key import canonical, message_form, request_key
from pytest_codeact.errors import RecordingError
from pytest_codeact.providers import Reply
from pytest_codeact.records import Usage, message_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal

SCHEMA: Final = 1
"""Version of the form. Raised when a reader of the old form would misread the new."""

_LINE_WIDTH: Final = 110

_STOPS: Final = ("end", "tool_calls", "max_tokens", "refusal", "content_filter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """
    One request and the reply that it got.

    Attributes:
        key: The request's key.
        occurrence: Which of the equal requests of its trial it is. Starts at 1.
        offer: Name of its offer.
        follows: Key of the earlier request of the trial whose messages and reply its own messages begin with. None if
            it begins anew.
        added: Its messages beyond those, as JSON, in order.
        reply: The reply as JSON, as `reply_form` gives it.
        date: When the reply came, ISO 8601 in UTC.
    """

    key: str
    occurrence: int
    offer: str
    follows: str | None
    added: tuple[dict[str, Any], ...]
    reply: Mapping[str, Any]
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """
    What was measured of a trial besides its replies, so that a replay can give it again.

    Attributes:
        action_s: `Turn.action_s` of each turn, in order.
        tool_s: `CallRecord.tool_s` of each tool call, in order.
        in_flight: `TrialRecord.in_flight`.
    """

    action_s: tuple[float, ...]
    tool_s: tuple[float, ...]
    in_flight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """
    One recorded trial.

    Attributes:
        trial: Its number. Starts at 1.
        interactions: One per reply, in order.
        measured: None while the trial runs, and for ever if it did not come to its end.
    """

    trial: int
    interactions: tuple[Interaction, ...]
    measured: Measured | None = None

    def conversations(self) -> Iterator[tuple[Interaction, list[dict[str, Any]]]]:
        """
        Give each interaction with the messages of its request, as JSON.

        Raises:
            RecordingError: One follows a request that is not there.
        """
        known: dict[str, list[dict[str, Any]]] = {}
        for each in self.interactions:
            if each.follows is not None and each.follows not in known:
                raise RecordingError(f"request {each.key} of trial {self.trial} follows {each.follows}, which is gone")
            messages = [*(known[each.follows] if each.follows is not None else ()), *each.added]
            yield each, messages
            known[each.key] = [*messages, dict(each.reply["message"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """
    What one file holds.

    Attributes:
        scenario: Id of the scenario.
        arm: Name of the arm.
        model: PROVIDER/MODEL.
        offers: Each offer as JSON, by its name.
        recordings: The recorded trials, by number.
    """

    scenario: str
    arm: str
    model: str
    offers: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    recordings: tuple[Recording, ...] = ()

    def of_trial(self, trial: int) -> Recording | None:
        """Give the recording of a trial. None if there is none."""
        return next((each for each in self.recordings if each.trial == trial), None)

    def with_recording(self, recording: Recording, offers: Mapping[str, dict[str, Any]]) -> Cassette:
        """
        Put a trial's recording in the place of the one that there is.

        Args:
            recording: The new one; without an interaction, the old one is only taken out.
            offers: The offers that it names, or more.
        """
        kept = [each for each in self.recordings if each.trial != recording.trial]
        kept += [recording] if recording.interactions else []
        recordings = tuple(sorted(kept, key=lambda each: each.trial))
        used = {interaction.offer for each in recordings for interaction in each.interactions}
        known = {**self.offers, **offers}
        return replace(self, recordings=recordings, offers={name: known[name] for name in sorted(used)})

    def problems(self) -> Iterator[str]:
        """Say what is wrong with it, a sentence each: keys that are not those of their requests, what hangs loose."""
        used = set()
        for recording in self.recordings:
            try:
                for interaction, messages in recording.conversations():
                    used.add(interaction.offer)
                    yield from self._problems_of(recording, interaction, messages)
            except RecordingError as error:
                yield str(error)
        yield from (f"no request names the offer {name}" for name in self.offers if name not in used)

    def _problems_of(
        self, recording: Recording, interaction: Interaction, messages: list[dict[str, Any]]
    ) -> Iterator[str]:
        name = f"request {interaction.key} of trial {recording.trial}"
        if interaction.offer not in self.offers:
            yield f"{name} names the offer {interaction.offer}, which is gone"
            return
        key = request_key(
            offer=canonical(self.offers[interaction.offer]),
            messages=map(canonical, messages),
            trial=recording.trial,
            occurrence=interaction.occurrence,
        )
        if key != interaction.key:
            yield f"{name} has been changed: its key would be {key}"

    def to_text(self) -> str:
        """Give the text of its file."""
        form = {
            "schema": SCHEMA,
            "scenario": self.scenario,
            "arm": self.arm,
            "model": self.model,
            "offers": dict(self.offers),
            "trials": [_recording_form(each) for each in self.recordings],
        }
        return _pretty(form) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Cassette:
        """
        Read what `to_text` gave.

        Raises:
            RecordingError: It is no cassette, or one of another schema.
        """
        try:
            form = json.loads(text)
            schema = form["schema"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise RecordingError(f"is no cassette, or a damaged one ({error})") from error
        if schema != SCHEMA:
            raise RecordingError(f"is of schema {schema!r}, and this version reads {SCHEMA}")
        try:
            return cls(
                scenario=str(form["scenario"]),
                arm=str(form["arm"]),
                model=str(form["model"]),
                offers=dict(form["offers"]),
                recordings=tuple(map(_recording, form["trials"])),
            )
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise RecordingError(f"is a damaged cassette ({type(error).__name__}: {error})") from error


def recording_text(recording: Recording, indent: str) -> str:
    """Give a recording as it stands in the text of its cassette, without what comes before its first line."""
    return _pretty(_recording_form(recording), indent)


def _pretty(value: Any, indent: str = "") -> str:
    """Give JSON to read and to compare line by line; what fits in a line has one. Mappings keep their order."""
    text = json.dumps(value)
    if len(indent) + len(text) <= _LINE_WIDTH or not isinstance(value, dict | list):
        return text
    inner = indent + " "
    if isinstance(value, list):
        lines = [inner + _pretty(each, inner) for each in value]
        return "[\n" + ",\n".join(lines) + f"\n{indent}]"
    lines = [f"{inner}{json.dumps(str(name))}: {_pretty(each, inner)}" for name, each in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def reply_form(reply: Reply) -> dict[str, Any]:
    """Give a reply as JSON, with all that `Reply` holds."""
    usage = reply.usage
    return {
        "attempts": [
            {"error": each.error, "status": each.status, "attempt_s": each.attempt_s, "backoff_s": each.backoff_s}
            for each in reply.attempts
        ],
        "message": message_form(reply.message),
        "mode": reply.mode,
        "model_s": reply.model_s,
        "model_version": reply.model_version,
        "prices": reply.prices,
        "request_id": reply.request_id,
        "sdk": reply.sdk,
        "stop": reply.stop,
        "usage": None if usage is None else {name: getattr(usage, name) for name in usage.__slots__},
        "waited_s": reply.waited_s,
    }


def reply_of(form: Mapping[str, Any]) -> Reply:
    """
    Make the reply of a replay.

    What the emulator's reference model said stays the reference model's: its figures must not pass for a vendor's.

    Raises:
        RecordingError: The form is damaged.
    """
    mode: Literal["reference", "replay"] = "reference" if form.get("mode") == "reference" else "replay"
    if form.get("stop") not in _STOPS:
        raise RecordingError(f"holds a damaged reply (unknown stop {form.get('stop')!r})")
    try:
        empty = {"text": "", "tool_calls": (), "tool_results": (), "native": None}
        return Reply(
            message=message_of({**empty, **form["message"]}),
            stop=form["stop"],
            usage=None if form["usage"] is None else Usage(**form["usage"]),
            mode=mode,
            model_version=form["model_version"],
            model_s=form["model_s"],
            waited_s=form["waited_s"],
            attempts=tuple(Attempt(**each) for each in form["attempts"]),
            request_id=form["request_id"],
            sdk=form["sdk"],
            prices=form["prices"],
        )
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise RecordingError(f"holds a damaged reply ({type(error).__name__}: {error})") from error


def _recording_form(recording: Recording) -> dict[str, Any]:
    measured = recording.measured
    return {
        "trial": recording.trial,
        "measured": measured
        and {
            "in_flight": measured.in_flight,
            "action_s": list(measured.action_s),
            "tool_s": list(measured.tool_s),
        },
        "interactions": [
            {
                "key": each.key,
                "occurrence": each.occurrence,
                "date": each.date,
                "offer": each.offer,
                "follows": each.follows,
                "added": list(each.added),
                "reply": dict(each.reply),
            }
            for each in recording.interactions
        ],
    }


def _recording(form: dict[str, Any]) -> Recording:
    measured = form["measured"]
    return Recording(
        trial=int(form["trial"]),
        measured=None
        if measured is None
        else Measured(
            action_s=tuple(map(float, measured["action_s"])),
            tool_s=tuple(map(float, measured["tool_s"])),
            in_flight=int(measured["in_flight"]),
        ),
        interactions=tuple(map(_interaction, form["interactions"])),
    )


def _interaction(form: dict[str, Any]) -> Interaction:
    if not {"message", "mode", "usage"} <= set(form["reply"]):
        raise ValueError("a reply without message, mode or usage")
    return Interaction(**{**form, "added": tuple(form["added"])})
