"""
The snapshot files: where a scenario's lies, and how those of a run are written.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from pytest_codeact.snapshots.compare import as_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pytest_codeact.records import Json

_STEM_BYTES: Final = 250
"""Longest name of a file without its ".json": common file systems take 255 bytes."""


def snapshot_path(root: Path, scenario: str) -> Path:
    """
    Give the file of a scenario: `root`/MODULE/TEST.json.

    Args:
        root: The directory of all snapshots.
        scenario: Stable id of the scenario, for example "dir/test_x.py::TestY::test_z[red]", which gives
            test_x/TestY.test_z[red].json. Characters that file names must not hold are left out.
    """
    module, _, test = scenario.partition("::")
    head, bracket, parameters = test.partition("[")
    name = "".join(
        character
        for character in head.replace("::", ".") + bracket + parameters
        if character.isprintable() and character not in '\\/?*:|"<>'
    )
    stem = name.encode()[:_STEM_BYTES].decode(errors="ignore")
    return root / PurePosixPath(module).stem / f"{stem}.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """
    What became of the snapshots of a run that updates them. Scenario ids, sorted.

    Attributes:
        written: Scenarios whose file was created or changed.
        unchanged: Scenarios whose file already held the truth.
        refused: Scenarios whose file was left alone: an arm disagreed with the reference solution, a trial did
            not come to its end, or the reference solution did not repeat itself.
    """

    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in a line, and name what was refused in a line each."""
        counts = f"snapshots: {len(self.written)} written, {len(self.unchanged)} unchanged, {len(self.refused)} refused"
        reason = " because a trial disagreed, failed or ended in an error:" if self.refused else ""
        return "\n  ".join([counts + reason, *self.refused])


def write_agreed(root: Path, *, agreed: Iterable[tuple[str, Json]], refused: Collection[str]) -> Written:
    """
    Write the truth of every scenario on which all its trials agreed. Call it in one process only.

    Whoever reads a file meanwhile meets the old text or the new one, never a part.

    Args:
        root: The directory of all snapshots; made if it is missing.
        agreed: Scenario id and truth of every comparison that agreed, as given to `report`.
        refused: Ids of the scenarios of which a trial disagreed, failed or ended in an error.

    Raises:
        OSError: A file cannot be written.
    """
    texts: dict[str, set[str]] = {}
    for scenario, truth in agreed:
        texts.setdefault(scenario, set()).add(as_text(truth))
    fates: dict[str, list[str]] = {"written": [], "unchanged": [], "refused": []}
    for scenario in sorted({*texts, *refused}):
        certain = scenario not in refused and len(texts[scenario]) == 1
        fate = _write(snapshot_path(root, scenario), *texts[scenario]) if certain else "refused"
        fates[fate].append(scenario)
    return Written(**{fate: tuple(scenarios) for fate, scenarios in fates.items()})


def _write(path: Path, text: str) -> str:
    content = text.encode()
    if path.is_file() and path.read_bytes() == content:
        return "unchanged"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{os.getpid()}.tmp")
    draft.write_bytes(content)
    draft.replace(path)
    return "written"
