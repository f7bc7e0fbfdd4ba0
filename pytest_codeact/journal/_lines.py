"""The lines of a journal, and how they are read. Each is one JSON object in ASCII whose first key is its kind."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_codeact.errors import RecordError, SolutionError
from pytest_codeact.records import SCHEMA_VERSION, Json, TrialRecord, message_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_codeact.options import Settings
    from pytest_codeact.redaction import Redactor
    from pytest_codeact.scenario import Scenario
    from pytest_codeact.tools import FinalAnswer, Toolbox
    from pytest_codeact.trial import Case, Trial

JOURNAL_SCHEMA: Final = 3
"""Version of the form of a journal. Raised when a reader of the old form would misread the new."""

_BODY: Final = b',"record":'
"""Ends the head of a trial's line. A string inside JSON cannot hold it: its quotes would be escaped."""

Key: TypeAlias = tuple[str, str, str, int]
"""Scenario, arm, model and number of a trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """
    A trial by its place in the experiment.

    Attributes:
        scenario: Id of the scenario.
        arm: Name of the arm.
        model: As it stands in the record.
        trial: Its number. Starts at 1.
        fingerprint: Of all that the model is given and may use. A trial of another one is another trial.
    """

    scenario: str
    arm: str
    model: str
    trial: int
    fingerprint: str

    @property
    def key(self) -> Key:
        """The place without the fingerprint."""
        return self.scenario, self.arm, self.model, self.trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """
    What is known of a journaled trial without reading it.

    Attributes:
        cell: Its place.
        mode: Where its replies came from. None if there was none.
        ended: How it ended.
        writer: Token of the process that wrote it.
        is_redacted: Whether a secret was taken out of what a validator may look at: it cannot be judged again.
    """

    cell: Cell
    mode: str | None
    ended: str
    writer: str
    is_redacted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """
    The first line of a journal.

    Attributes:
        version: Version of pytest-codeact.
        started: When the run was begun, as ISO 8601 in UTC.
        args: pytest's command line, for the reader; all that could be a secret is blotted out.
        settings: Every setting of the run by field name, as JSON.
    """

    version: str
    started: str
    args: tuple[str, ...]
    settings: Mapping[str, Json]

    def to_line(self) -> bytes:
        """Give the line, without its newline."""
        fields = {"version": self.version, "started": self.started, "args": self.args, "settings": self.settings}
        return _line("run", {"schema": JOURNAL_SCHEMA, **fields})

    @classmethod
    def from_line(cls, line: bytes) -> Header:
        """
        Read what `to_line` gave.

        Raises:
            RecordError: It is not such a line, or one of another schema.
        """
        try:
            # A line that begins otherwise is then no JSON.
            fields = json.loads(b"{" + line.removeprefix(_start("run")))
            schema = fields.pop("schema")
            if schema == JOURNAL_SCHEMA:
                return cls(**{**fields, "args": tuple(fields["args"]), "settings": dict(fields["settings"])})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RecordError(f"its first line cannot be read: {line[:80]!r}") from error
        raise RecordError(f"it is of schema {schema!r}, and this version reads {JOURNAL_SCHEMA}")


def cell_of(case: Case, scenario: Scenario, toolbox: Toolbox, final: FinalAnswer, settings: Settings) -> Cell:
    """
    Give the place of a trial.

    The fingerprint is over what would make it another trial: prompt, tools, answer type, budget, limits, sandbox and
    seed. The solution is part of it where the reference model follows it; no other model knows it. The deadline is not:
    a finished trial met the one that it had.
    """
    given = (
        scenario.prompt,
        toolbox.specs,
        final.spec,
        final.structured,
        {**_fields(scenario.budget(settings.budget)), "deadline_s": None},
        {**settings.limits, **(scenario.limits or {})},
        settings.sandbox,
        scenario.runtimes,
        settings.frozen_clock_s if scenario.frozen_clock is None else scenario.frozen_clock_s,
        settings.seed,
        _solution(scenario) if case.model.partition("/")[0] == "reference" else None,
    )
    text = json.dumps(given, default=_fields, sort_keys=True)
    return Cell(
        scenario=scenario.id,
        arm=case.arm,
        model=case.model,
        trial=case.trial,
        fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def trial_line(cell: Cell, trial: Trial, writer: str, redactor: Redactor) -> bytes:
    """
    Give the line of a trial: the whole of it, full tool results included, so that it can be judged again. Secrets are
    taken out; where a validator might miss one, the line says so.

    Raises:
        TypeError: It holds what is no JSON.
        RecursionError: It is nested too deeply, or holds itself.
    """
    head = {
        "scenario": cell.scenario,
        "arm": cell.arm,
        "model": cell.model,
        "trial": cell.trial,
        "fingerprint": cell.fingerprint,
        "mode": trial.record.mode,
        "ended": trial.record.ended,
        "writer": writer,
    }
    body = {
        "record": {"schema": SCHEMA_VERSION, **_fields(trial.record)},
        "answer": trial.answer,
        "state": trial.state,
        "messages": trial.messages,
    }
    line = _line("trial", {**head, **body})
    text = line.decode("ascii")
    if redactor.record_text(text) is text:
        return line
    whole = json.loads(text)
    clean = {**redactor.talked({name: whole[name] for name in body}), "record": redactor.record(whole["record"])}
    judged = [(whole[name], clean[name]) for name in ("answer", "state", "messages")]
    judged.append((whole["record"]["calls"], clean["record"]["calls"]))
    is_redacted = any(before is not after for before, after in judged)
    return _line("trial", {**head, **({"redacted": True} if is_redacted else {}), **clean})


def verdict_line(record: TrialRecord) -> bytes:
    """Give the line that tells readers what became of a trial."""
    judged = {True: "passed", False: "failed", None: "unjudged"}[record.success]
    return _line(
        "verdict",
        {
            "scenario": record.scenario,
            "arm": record.arm,
            "model": record.model,
            "trial": record.trial,
            "verdict": "error" if record.ended == "error" else judged,
        },
    )


def end_line(*, interrupted: bool, modes: list[str]) -> bytes:
    """
    Give the line that ends a run.

    Args:
        interrupted: Whether it ended before its last test.
        modes: Where the replies of its trials came from, each once.
    """
    return _line("end", {"interrupted": interrupted, "modes": modes})


def read_end(line: bytes) -> tuple[bool, list[str]] | None:
    """Read what `end_line` gave. None for any other line."""
    if not line.startswith(_start("end")):
        return None
    try:
        fields = json.loads(line)
        return bool(fields["interrupted"]), list(fields["modes"])
    except (ValueError, KeyError, TypeError):
        return None


def is_whole(line: bytes) -> bool:
    """Tell whether a line has the beginning and the end of one of ours."""
    return line.startswith(b'{"kind":"') and line.endswith(b"}")


def read_head(line: bytes) -> Head | None:
    """
    Read the head of a trial's line. None for a line of another kind.

    Raises:
        RecordError: The head is damaged.
    """
    if not line.startswith(_start("trial")):
        return None
    try:
        fields = json.loads(line[: line.index(_BODY)] + b"}")
        place = {name: fields[name] for name in Cell.__dataclass_fields__}
        return Head(
            cell=Cell(**place),
            **{name: fields[name] for name in ("mode", "ended", "writer")},
            is_redacted=fields.get("redacted", False),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(error) from error


def read_trial(line: bytes) -> Trial:
    """
    Read what `trial_line` gave.

    Raises:
        RecordError: The line is damaged, or its record is of another schema.
    """
    from pytest_codeact.trial import Trial

    try:
        fields = json.loads(line)
        return Trial(
            record=TrialRecord.from_json(json.dumps(fields["record"])),
            answer=fields["answer"],
            state=fields["state"],
            messages=tuple(message_of(each) for each in fields["messages"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(error) from error


def _solution(scenario: Scenario) -> str | None:
    from pytest_codeact.providers.reference import solution_source

    # One that cannot be read has been refused, or ends the trial as an error.
    with contextlib.suppress(SolutionError):
        return scenario.reference and solution_source(scenario.reference).definition + (scenario.reference_ts or "")
    return None


def _damaged(error: Exception) -> RecordError:
    return RecordError(f"damaged line: {error}")


def _start(kind: str) -> bytes:
    return b'{"kind":"%s",' % kind.encode()


def _line(kind: str, fields: Mapping[str, object]) -> bytes:
    # ASCII, as in TrialRecord.to_json: a lone surrogate in a model's text must not stop it.
    text = json.dumps({"kind": kind, **fields}, default=_fields, separators=(",", ":"), check_circular=False)
    return text.encode("ascii")


def _fields(value: object) -> dict[str, object]:
    """Give a dataclass's fields, for `json.dumps`; `dataclasses.asdict` copies all below, ten times as slowly."""
    try:
        names = type(value).__dataclass_fields__  # type: ignore[attr-defined]  # the except clause is for what has none
    except AttributeError:
        raise TypeError(f"{type(value).__name__} is no JSON") from None
    return {name: getattr(value, name) for name in names}
