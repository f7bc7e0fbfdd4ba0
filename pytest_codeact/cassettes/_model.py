"""
The client that replays a trial from its cassette, and records it into that.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_codeact.cassettes._diff import difference
from pytest_codeact.cassettes._files import cassette_path, put_recording, read_cassette
from pytest_codeact.cassettes._form import Cassette, Interaction, Measured, Recording, reply_form, reply_of
from pytest_codeact.cassettes._key import Conversation, canonical
from pytest_codeact.errors import RecordingError, describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_codeact.cassettes._key import Asked
    from pytest_codeact.providers import Provider, Reply, Request
    from pytest_codeact.records import Json, TrialRecord


def unredacted(form: dict[str, Any]) -> dict[str, Any]:
    """Give an object as it is."""
    return form


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """
    The place of a trial's recording.

    Attributes:
        root: The directory of all cassettes.
        scenario: Id of the scenario.
        arm: Name of the arm.
        model: PROVIDER/MODEL.
        trial: Number of the trial. Starts at 1.
        prompt_cache: Whether the provider is asked to cache prompts.
        redact: Takes secrets out of an object that is written. Done twice, it must change nothing more.
    """

    root: Path
    scenario: str
    arm: str
    model: str
    trial: int
    prompt_cache: bool = False
    redact: Callable[[dict[str, Any]], dict[str, Any]] = field(default=unredacted, repr=False)

    @property
    def path(self) -> Path:
        """The file."""
        return cassette_path(self.root, scenario=self.scenario, arm=self.arm, model=self.model)

    def is_complete(self) -> bool:
        """
        Tell whether the trial is recorded to its end.

        Raises:
            RecordingError: The cassette cannot be read.
        """
        cassette = read_cassette(self.path)
        recording = None if cassette is None else cassette.of_trial(self.trial)
        return recording is not None and recording.measured is not None


class CassetteModel:
    """
    A `Provider` for one trial: what is recorded is replayed, what is not is asked and recorded, or refused.

    The recording is written after every reply, so that a process that is killed leaves what was paid for. A trial's
    new recording takes the place of its old one as a whole, once its first new reply is there.

    Args:
        slot: The place of the recording.
        ask: Gives the model itself, on the first request that needs it. None if it must not be asked.
        plays: Whether what is recorded is replayed.

    Raises:
        RecordingError: The cassette cannot be read or written; before anything is paid for.
    """

    def __init__(self, slot: Slot, *, ask: Callable[[], Provider] | None, plays: bool = True) -> None:
        self._slot = slot
        self._ask = ask
        self._asked_model: Provider | None = None
        self._cassette = read_cassette(slot.path) if plays else None
        self._old = None if self._cassette is None else self._cassette.of_trial(slot.trial)
        self._held = {each.key: each for each in self._old.interactions} if self._old else {}
        self._conversation = Conversation(trial=slot.trial, prompt_cache=slot.prompt_cache, redact=slot.redact)
        self._served: list[Interaction] = []
        self._offers: dict[str, dict[str, Json]] = {}
        self._before: tuple[str, list[str]] | None = None
        self._is_new = False
        if ask is not None:
            self._check_writable()

    def complete(self, request: Request) -> Reply:
        """
        Answer a request from its recording, or by the model.

        Raises:
            RecordingError: It is not recorded, and the model must not be asked; or the reply cannot be recorded.
            ProviderError: As the model raises it.
        """
        asked = self._conversation.take(request)
        held = self._held.get(asked.key)
        if held is not None:
            reply = reply_of(held.reply)
            self._note(asked, held)
            return reply
        if self._ask is None:
            raise RecordingError(self._missing(asked))
        if self._asked_model is None:
            self._asked_model = self._ask()
        asked_at = time.perf_counter()
        reply = self._asked_model.complete(request)
        if reply.model_s is None:
            # Taken here: what it takes to record a reply is no latency of the model.
            reply = replace(reply, model_s=time.perf_counter() - asked_at - reply.waited_s)
        self._record(asked, reply)
        return reply

    def settle(self, record: TrialRecord) -> TrialRecord:
        """
        Take in how the trial ended.

        Args:
            record: What was measured.

        Returns:
            The record. Of a replayed trial, its figures are those of the recording: the seconds of actions too.

        Raises:
            OSError: The recording's end cannot be written.
            RecordingError: Something has made the cassette unreadable.
        """
        measured = self._old.measured if self._old is not None and not self._is_new else None
        if len(record.turns) != len(self._served):
            # A client in between asked others too: which turn is whose cannot be told.
            return record
        if measured is not None:
            return _as_measured(record, measured)
        if self._ask is not None and self._served and record.ended != "error":
            self._write(
                Measured(
                    action_s=tuple(turn.action_s for turn in record.turns),
                    tool_s=tuple(call.tool_s for call in record.calls),
                    in_flight=record.in_flight,
                )
            )
        return record

    def _record(self, asked: Asked, reply: Reply) -> None:
        follows, added = None, list(asked.messages)
        if self._before is not None:
            key, texts = self._before
            if list(asked.texts[: len(texts)]) == texts:
                follows, added = key, added[len(texts) :]
        try:
            interaction = Interaction(
                key=asked.key,
                occurrence=asked.occurrence,
                offer=asked.digest,
                follows=follows,
                added=tuple(added),
                reply=self._conversation.redacted(reply_form(reply)),
                date=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            self._note(asked, interaction)
            self._is_new = True
            self._write(None)
        except (OSError, TypeError, ValueError, RecursionError) as error:
            raise RecordingError(
                f"the reply cannot be recorded in {self._slot.path}: {describe(error)}; what was recorded before it is "
                "kept; record nothing with --codeact-mode=live"
            ) from error

    def _note(self, asked: Asked, interaction: Interaction) -> None:
        self._served.append(interaction)
        self._offers[asked.digest] = asked.offer
        # The messages that the next request will begin with.
        self._before = asked.key, [*asked.texts, canonical(dict(interaction.reply["message"]))]

    def _write(self, measured: Measured | None) -> None:
        slot = self._slot
        recording = Recording(trial=slot.trial, interactions=tuple(self._served), measured=measured)
        put_recording(
            slot.path,
            recording,
            self._offers,
            empty=Cassette(scenario=slot.scenario, arm=slot.arm, model=slot.model),
            renews=self._cassette is None,
        )

    def _check_writable(self) -> None:
        directory = self._slot.path.parent
        with suppress(OSError):
            directory.mkdir(parents=True, exist_ok=True)
        if not os.access(directory, os.W_OK):
            raise RecordingError(
                f"recordings cannot be written to {directory}; make it writable, name another directory with "
                "--codeact-cassettes, or record nothing with --codeact-mode=live"
            )

    def _missing(self, asked: Asked) -> str:
        slot = self._slot
        where = f"{slot.scenario}, arm {slot.arm!r}, model {slot.model!r}"
        advice = (
            "to record it, run this test with --codeact-mode=record and --codeact-budget=USD; "
            "with --codeact-mode=refresh to record the whole trial anew"
        )
        if self._cassette is None:
            return f"{where}: nothing is recorded in {slot.path}; {advice}"
        if self._old is None:
            known = ", ".join(str(each.trial) for each in self._cassette.recordings) or "none"
            return f"{where}: trial {slot.trial} is not recorded (recorded trials: {known}); {advice}"
        number = len(self._served) + 1
        said = difference(self._cassette, asked, trial=slot.trial)
        return "\n".join([f"{where}: request {number} of trial {slot.trial} is not recorded; {advice}", *said])


def _as_measured(record: TrialRecord, measured: Measured) -> TrialRecord:
    """Give a record the seconds of another run of the same trial, as far as that got."""
    turns = [replace(turn, action_s=s) for turn, s in zip(record.turns, measured.action_s, strict=False)]
    calls = [replace(call, tool_s=s) for call, s in zip(record.calls, measured.tool_s, strict=False)]
    return replace(
        record,
        turns=(*turns, *record.turns[len(turns) :]),
        calls=(*calls, *record.calls[len(calls) :]),
        in_flight=measured.in_flight,
    )
