"""Baselines for the small project that integration tests run: its own figures, changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest


def saved_baseline(project: pytest.Pytester, *args: str) -> dict[str, Any]:
    """Let the project write a baseline file, main.json, and give what is in it."""
    result = project.runpytest_subprocess("-p", "no:cacheprovider", "--codeact-save-baseline=main.json", *args)
    assert result.ret == 0, result.stdout.str()
    content: dict[str, Any] = json.loads((project.path / "main.json").read_text())
    return content


def change_samples(
    project: pytest.Pytester, content: dict[str, Any], metric: str, change: Callable[[Sequence[float]], Sequence[float]]
) -> None:
    """Write main.json with another column of a metric in every sample."""
    for sample in content["codeact"]["samples"]:
        sample["values"][metric] = change(sample["values"][metric])
        sample["trials"] = list(range(1, len(sample["values"][metric]) + 1))
        sample["values"] = {
            name: (column * len(sample["trials"]))[: len(sample["trials"])] for name, column in sample["values"].items()
        }
    (project.path / "main.json").write_text(json.dumps(content))
