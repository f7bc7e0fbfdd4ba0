"""
Ground truth: one JSON file per scenario, shared by all arms, models and trials. Only this module knows syrupy.

What an arm returned is never written. `--snapshot-update` runs the reference solution, and its outcome alone
reaches a file, once an arm agreed with it and none disagreed: `write_agreed`, when the session ends.

syrupy keeps the books: which snapshots passed, failed and are unused. Names of it that its users' guide does
not have: `AssertionResult`; `SnapshotAssertion.executions`, `.test_location` and `.update_snapshots`; the extension's
`dirname`, `discovery_dirname`, `owns_snapshot_collection` and `matches_test_location`; the option
`disable_unused_snapshots`. `--snapshot-update-new-only` writes nothing here: it has syrupy write what a test returned.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from syrupy.assertion import AssertionResult, SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from pytest_codeact.snapshots.compare import as_json, differences
from pytest_codeact.snapshots.files import Written, snapshot_path, write_agreed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from syrupy.location import PyTestLocation

    from pytest_codeact.records import Json

__all__ = [
    "EXPLAINED_LINES",
    "GroundTruth",
    "SharedJson",
    "Written",
    "distrust_unused",
    "ground_truth",
    "keep",
    "snapshot_path",
    "write_agreed",
]

EXPLAINED_LINES: Final = 30
"""The most lines that `GroundTruth.explain` gives."""


def keep(config: pytest.Config, *, root: Path, scenarios: Iterable[str]) -> None:
    """
    Tell which snapshots belong to tests of this session, so that none of them is taken for an orphan.

    Whatever becomes of the tests afterwards (deselected, skipped, failed in set-up, lost with a worker), their
    snapshots are neither reported as unused nor deleted. Call it in every process that collects tests, in a
    `pytest_collection_modifyitems` that comes before deselection.

    Args:
        config: The session's.
        root: The directory of all snapshots.
        scenarios: Stable ids of the scenarios collected; one may come several times.
    """
    books = _Books.of(config, root)
    for scenario in scenarios:
        # Two scenarios of one file are an error of those that use it: see `refuse_shared`.
        books.owners.setdefault(snapshot_path(root, scenario), scenario)


def refuse_shared(config: pytest.Config, root: Path, scenarios: Iterable[str]) -> None:
    """
    Refuse scenarios of which two would share a snapshot, before any of them is run.

    Args:
        config: The process's.
        root: The directory of all snapshots.
        scenarios: Stable ids of those that use theirs; one may come several times.

    Raises:
        pytest.UsageError: There are two. Not in an xdist worker, which would be started again and again: there every
            scenario says it at its set-up.
    """
    told: dict[str, str] | None = getattr(config, "workerinput", None)
    owners: dict[Path, str] = {}
    for scenario in scenarios:
        path = snapshot_path(root, scenario)
        owner = owners.setdefault(path, scenario)
        if owner != scenario and told is None:
            raise pytest.UsageError(_shared(root, path, owner, scenario))
        if owner != scenario and told is not None:
            told["codeact_refusal"] = _shared(root, path, owner, scenario)
            return


def _shared(root: Path, path: Path, owner: str, scenario: str) -> str:
    return (
        f"scenarios {owner!r} and {scenario!r} would share the snapshot {path.relative_to(root).as_posix()!r}; "
        "rename one of them, or its module"
    )


def distrust_unused(config: pytest.Config) -> None:
    """
    Make syrupy neither report nor delete unused snapshots in what is left of this session.

    Call it on the controller when a worker crashed or was ended early: its books are lost, and what it used would look
    unused.
    """
    config.option.disable_unused_snapshots = True


def ground_truth(
    snapshot: SnapshotAssertion,
    *,
    scenario: str,
    root: Path,
    tolerance: float,
    truth: Callable[[], Json] | None,
    report: Callable[[Json], None],
) -> GroundTruth:
    """
    Make what a test compares the outcome of its trial with.

    Args:
        snapshot: syrupy's fixture of the same test.
        scenario: Stable id of the scenario.
        root: The directory of all snapshots.
        tolerance: Absolute difference up to which two numbers are equal. 0.0 for none.
        truth: Runs the reference solution and gives its outcome. Called only to update, at most once. May
            raise `SolutionError`. None if the scenario has no reference.
        report: In a run that updates, called after every comparison: with the truth if the outcome agrees
            with it, with None if it does not or there is no truth.

    Raises:
        pytest.UsageError: Another scenario has the same snapshot file.
    """
    path = _Books.of(snapshot.test_location.item.config, root).add(scenario)
    return GroundTruth(
        assertion=snapshot.with_defaults(extension_class=SharedJson),
        scenario=scenario,
        path=path,
        tolerance=tolerance,
        truth=truth,
        report=report,
        updating=snapshot.update_snapshots,
    )


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class GroundTruth:
    """
    The outcome that a scenario must have: `assert outcome == ground_truth`.

    Numbers are equal up to `tolerance`, whether int or float; a bool is no number. The order of keys does not
    matter, that of lists does.

    Attributes:
        assertion: syrupy's books for this test.
        scenario: Stable id of the scenario.
        path: Its snapshot file.
        tolerance: Absolute difference up to which two numbers are equal.
        truth: Runs the reference solution. None if there is none.
        report: Takes the truth that the outcome agrees with, or None.
        updating: Whether the outcome is compared with the reference solution's and not with the file.
    """

    assertion: SnapshotAssertion
    scenario: str
    path: Path
    tolerance: float
    truth: Callable[[], Json] | None
    report: Callable[[Json], None]
    updating: bool
    _solved: list[Json] = field(default_factory=list, init=False)

    __hash__ = None  # type: ignore[assignment]  # equal within a tolerance is no equivalence

    def __eq__(self, outcome: object) -> bool:
        """
        Tell whether an outcome is right, and enter the verdict into syrupy's books.

        Raises:
            ScenarioError: The outcome, or that of the reference solution, is not made of JSON values.
            SolutionError: The reference solution failed.
        """
        equal = not any(self._problems(outcome))
        self._enter(success=equal)
        if self.updating:
            self.report(self._solve() if equal else None)
        return equal

    def __repr__(self) -> str:
        return f"<snapshot {self._shown_path}>"

    @property
    def is_known(self) -> bool:
        """Whether there is a truth to compare with: a snapshot file or, in an update, a reference solution."""
        if self.updating:
            return self.truth is not None
        with suppress(OSError, ValueError):
            json.loads(self.path.read_bytes())
            return True
        return False

    def explain(self, outcome: object) -> list[str]:
        """
        Say why an outcome is wrong.

        Returns:
            At most `EXPLAINED_LINES` lines: what was compared, then one line per difference with its path.
            The first alone if the outcome is right.

        Raises:
            ScenarioError: As for the comparison.
            SolutionError: As for the comparison.
        """
        lines = chain([f"outcome == snapshot {self._shown_path}"], self._problems(outcome))
        shown = list(islice(lines, EXPLAINED_LINES))
        left = sum(1 for _ in lines)
        return [*shown[:-1], f"... and {left + 1} more"] if left else shown

    def _problems(self, outcome: object) -> Iterator[str]:
        """Say what is wrong with an outcome; nothing if it is right."""
        received = as_json(outcome, "outcome")
        if not self.updating:
            yield from self._differences_from_file(received)
        elif self.truth is None:
            yield (
                f"{self.scenario} has no reference solution, and ground truth is only written from one; "
                "add reference=... to its marker"
            )
        else:
            found = list(differences(self._solve(), received, self.tolerance))
            if found:
                yield "the arm disagrees with the reference solution; the snapshot is not written"
            yield from found

    def _differences_from_file(self, received: Json) -> Iterator[str]:
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            # The first line is in syrupy's words, which its users know.
            yield f"Snapshot {self._shown_path!r} does not exist!"
            yield "to write it from the reference solution, run: pytest --snapshot-update"
        except ValueError as error:
            yield f"snapshot {self._shown_path!r} is not JSON: {error}"
            yield "to write it anew from the reference solution, run: pytest --snapshot-update"
        else:
            yield from differences(stored, received, self.tolerance)

    def _solve(self) -> Json:
        if not self._solved and self.truth is not None:
            self._solved.append(as_json(self.truth(), "the reference solution's outcome", finite=True))
        return self._solved[0]

    def _enter(self, *, success: bool) -> None:
        """Enter a verdict as syrupy's own comparison does, for it cannot be told one."""
        # Never as created or updated: whether the file is written is only known when all trials are in.
        self.assertion.executions[len(self.assertion.executions)] = AssertionResult(
            snapshot_location=str(self.path),
            snapshot_name=self.path.stem,
            asserted_data=None,
            recalled_data=None,
            created=False,
            updated=False,
            success=success,
            exception=None,
            test_location=self.assertion.test_location,
        )

    @property
    def _shown_path(self) -> str:
        return self.path.relative_to(self.path.parents[2]).as_posix()


@dataclass(slots=True, kw_only=True)
class _Books:
    """
    Which snapshots the tests of this process have.

    Attributes:
        config: The session's.
        root: The directory of all snapshots.
        owners: Snapshot file -> stable id of its scenario.
    """

    config: pytest.Config
    root: Path
    owners: dict[Path, str] = field(default_factory=dict)
    _modules: set[str] | None = None

    @classmethod
    def of(cls, config: pytest.Config, root: Path) -> _Books:
        """Give the process's books; the first call opens them."""
        return config.stash.setdefault(_KEY, cls(config=config, root=root))

    def add(self, scenario: str) -> Path:
        path = snapshot_path(self.root, scenario)
        owner = self.owners.setdefault(path, scenario)
        if owner != scenario:
            raise pytest.UsageError(_shared(self.root, path, owner, scenario))
        return path

    def is_suspect(self, path: Path) -> bool:
        """Tell whether a file is a snapshot without a test: an orphan, if the whole suite was collected."""
        if path.suffix != ".json" or path.parent.parent != self.root or path in self.owners:
            return False
        if self.config.getoption("lf", default=False):
            # --lf leaves tests out while it collects: their snapshots have no test here.
            return False
        # A module that was not collected (--ignore, an error in it) still owns its snapshots.
        collected = any(owned.parent == path.parent for owned in self.owners)
        return collected or path.parent.name not in self._module_names()

    def _module_names(self) -> set[str]:
        """Name every Python module of the project. Walks its directories on the first call."""
        if self._modules is None:
            self._modules = set()
            ignored = self.config.getini("norecursedirs")
            for _, folders, files in os.walk(self.config.rootpath):
                folders[:] = [name for name in folders if not any(fnmatch(name, each) for each in ignored)]
                self._modules.update(name.removesuffix(".py") for name in files)
        return self._modules


_KEY = pytest.StashKey[_Books]()


class SharedJson(JSONSnapshotExtension):
    """
    Tells syrupy where snapshots lie and which of them may be orphans. It neither reads nor writes one.

    A class of the module and without state, because the controller of xdist makes an instance by its name.
    """

    snapshot_dirname = "snapshots"

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        """Give the directory of a test module's snapshots."""
        return str(Path(cls.discovery_dirname(test_location=test_location)) / test_location.basename)

    @classmethod
    def discovery_dirname(cls, *, test_location: PyTestLocation) -> str:
        """Give the directory of all snapshots."""
        return str(test_location.item.config.stash[_KEY].root)

    def owns_snapshot_collection(self, *, filepath: str, test_location: PyTestLocation) -> bool:
        """Tell whether a file may be an orphan. What syrupy does not discover it does not delete."""
        return test_location.item.config.stash[_KEY].is_suspect(Path(filepath))

    @classmethod
    def matches_test_location(
        cls,
        *,
        test_location: PyTestLocation,  # noqa: ARG003 - syrupy passes it
        snapshot_location: str,  # noqa: ARG003 - syrupy passes it
    ) -> bool:
        """Tell whether a test owns a file that was discovered: none does, or it would not have been."""
        return False
