"""
Which recordings are no longer needed, and their end.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_codeact.cassettes import Recording, change_cassette
from pytest_codeact.cli._collecting import FILE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.cassettes import Cassette
    from pytest_codeact.cli._library import Library

_CONTROL: Final = "control"
"""The arm of `--codeact-control`, which nobody registers."""

_PLUGIN: Final = "pytest_codeact.cli._collecting"
_SHOWN_LINES: Final = 5


class CollectError(Exception):
    """What the project has cannot be found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """
    What a project has.

    Attributes:
        scenarios: Ids of its scenarios.
        arms: Names of the arms that are registered.
        gone_models: Those of the models that were asked about whose provider nobody registers.
    """

    scenarios: frozenset[str]
    arms: frozenset[str]
    gone_models: frozenset[str]

    @classmethod
    def collect(cls, tests: Sequence[str], models: Sequence[str]) -> Project:
        """
        Ask pytest, in a process of its own.

        Args:
            tests: What to collect. Empty for what the ini file says.
            models: The models to look up.

        Raises:
            CollectError: It cannot collect all, or finds no scenario.
        """
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "collected.json"
            file.write_text(json.dumps(models), "utf-8")
            # What the project's own options deselect is there all the same.
            everything = ("-k", "", "-m", "")
            plugins = ("-p", "no:cacheprovider", "-p", _PLUGIN)
            command = ("-m", "pytest", "--collect-only", "-q", *everything, *plugins)
            done = subprocess.run(  # noqa: S603 - this interpreter, and what the user names
                [sys.executable, *command, *tests],
                env={**os.environ, FILE_VARIABLE: str(file)},
                capture_output=True,
                text=True,
                check=False,
            )
            found = json.loads(file.read_text("utf-8"))
        if done.returncode != 0 or isinstance(found, list):
            said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][-_SHOWN_LINES:]
            raise CollectError("pytest cannot collect the scenarios here: " + " / ".join(said))
        if not found["scenarios"]:
            raise CollectError(
                "pytest collects no scenario here, and everything would be deleted; name the tests, or give --arm, "
                "--model, --trials or --older-than"
            )
        return cls(**{name: frozenset(values) for name, values in found.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """
    What is deleted: whatever one of them says.

    Attributes:
        project: Of which what it does not have is deleted. None for no such criterion.
        arms: Names of arms.
        models: PROVIDER/MODEL.
        trials: Trials beyond so many. None for no such criterion.
        before: Trials whose newest reply came before, ISO 8601 in UTC. "" for no such criterion.
    """

    project: Project | None
    arms: frozenset[str]
    models: frozenset[str]
    trials: int | None
    before: str

    @classmethod
    def of(
        cls,
        library: Library,
        *,
        tests: Sequence[str],
        gone: bool,
        arms: Sequence[str],
        models: Sequence[str],
        trials: int | None,
        older_than_days: int | None,
    ) -> Criteria:
        """
        Make them of a command's arguments.

        Raises:
            CollectError: As for `Project.collect`.
        """
        before = ""
        if older_than_days is not None:
            try:
                before = (datetime.now(UTC) - timedelta(days=older_than_days)).isoformat(timespec="seconds")
            except OverflowError:
                raise CollectError(f"--older-than: {older_than_days} days are more than a calendar has") from None
        return cls(
            project=Project.collect(tests, library.models) if gone else None,
            arms=frozenset(arms),
            models=frozenset(models),
            trials=trials,
            before=before,
        )

    def reason(self, cassette: Cassette) -> str:
        """Say why all of a cassette goes. "" if it need not."""
        if cassette.arm in self.arms:
            return f"arm {cassette.arm}"
        if cassette.model in self.models:
            return f"model {cassette.model}"
        if self.project is None:
            return ""
        if cassette.scenario not in self.project.scenarios:
            return "pytest collects no such scenario"
        if cassette.arm not in self.project.arms | {_CONTROL}:
            return "nobody registers the arm"
        return "nobody registers the provider" if cassette.model in self.project.gone_models else ""

    def reason_of_trial(self, recording: Recording) -> str:
        """Say why one trial goes. "" if it need not."""
        if self.trials is not None and recording.trial > self.trials:
            return f"beyond {self.trials}"
        newest = max((each.date for each in recording.interactions), default="")
        return f"recorded {newest[:10]}" if newest < self.before else ""


@dataclass(slots=True, kw_only=True)
class Pruned:
    """
    What was deleted, or would be.

    Attributes:
        trials: How many trials.
        lines: What it is, a line for each cassette and reason.
    """

    trials: int = 0
    lines: list[str] = field(default_factory=list)


def prune(library: Library, criteria: Criteria, *, deletes: bool) -> Pruned:
    """
    Delete what is no longer needed, or say only what that is.

    Raises:
        OSError: A file cannot be written or deleted.
    """
    pruned = Pruned()
    for path, cassette in library.cassettes.items():
        whole = criteria.reason(cassette)
        reasons = {each.trial: whole or criteria.reason_of_trial(each) for each in cassette.recordings}
        going = {trial: reason for trial, reason in reasons.items() if reason}
        if not going:
            continue
        where = f"{cassette.scenario}, arm {cassette.arm}, model {cassette.model}"
        for reason, count in Counter(going.values()).items():
            what = "all trials" if count == len(cassette.recordings) else f"{count} of {len(reasons)} trials"
            pruned.lines.append(f"{where}: {what}: {reason}")
        pruned.trials += len(going)
        if deletes:
            _delete(library.root, path, going)
    return pruned


def _delete(root: Path, path: Path, trials: dict[int, str]) -> None:
    def change(held: Cassette | None) -> Cassette | None:
        for trial in trials:
            held = held and held.with_recording(Recording(trial=trial, interactions=()), {})
        return held if held is not None and held.recordings else None

    change_cassette(path, change, renews=False)
    for directory in path.parents:
        if directory == root:
            break
        with contextlib.suppress(OSError):
            # Only if nothing is in it.
            directory.rmdir()
