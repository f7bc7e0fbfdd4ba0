"""
What `--codeact-mode` makes of a run: whether live models are asked, replayed or stood in for.

It is decided once, by the controller, for all workers: a model that is recorded while the run goes on must not be
replayed in one half of its rows and be the reference model in the other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_codeact.cassettes import any_cassette
from pytest_codeact.options import source_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_codeact.options import Settings
    from pytest_codeact.registry import Registry

REFERENCE: Final = "reference"

_HANDED_KEY: Final = "codeact_models"
_MODELS_KEY: pytest.StashKey[tuple[str, ...]] = pytest.StashKey()


def with_mode(settings: Settings) -> Settings:
    """
    Decide whether a run in the mode "auto" is a live one, from then on and when it is resumed.

    A budget on the command line says so. One in an ini file does not: whoever runs the tests of a checkout has not
    asked for anything that costs. Nor does a dry run ask, but it is about a live one.
    """
    is_live = settings.sources.get("budget_usd", "").startswith("--") or settings.dry_run
    return replace(settings, mode="live") if settings.mode == "auto" and is_live else settings


def with_models(
    config: pytest.Config, settings: Settings, registry: Registry, cassettes: Path
) -> tuple[Settings, tuple[str, ...]]:
    """
    Put the reference model in the place of every live model that the run may neither ask nor replay.

    Its rows then bear its name: figures of the reference model never stand under that of another.

    Args:
        config: The process's; a worker is told by it what the controller decided.
        settings: What the user asked for. Every model of it is known.
        registry: What can be named.
        cassettes: The directory of the recordings.

    Returns:
        The settings, each model once, and the models that the reference model stands in for.

    Raises:
        pytest.UsageError: A live model is asked for beside the mode "reference".
    """
    live = [model for model in settings.models if registry.is_live(model)]
    if not live or settings.mode not in ("auto", "reference"):
        return settings, ()
    if settings.mode == "reference" and source_of(settings, "models").startswith("--"):
        raise pytest.UsageError(
            f"{source_of(settings, 'mode')}: mode reference asks no live model, and {live[0]!r} is given with "
            f"{source_of(settings, 'models')}; leave one of them out"
        )
    handed: list[str] | None = getattr(config, "workerinput", {}).get(_HANDED_KEY)
    if handed is not None:
        return replace(settings, models=tuple(handed)), ()
    replaced = tuple(model for model in live if settings.mode == REFERENCE or not any_cassette(cassettes, model))
    names = [REFERENCE if model in replaced else model for model in settings.models]
    settings = replace(settings, models=tuple(dict.fromkeys(names)))
    config.stash[_MODELS_KEY] = settings.models
    return settings, replaced


def hand_over(config: pytest.Config, node: Any) -> None:
    """
    Tell a worker that is about to be started what was decided, if anything was.

    Args:
        config: The controller's.
        node: xdist's `WorkerController`.
    """
    if _MODELS_KEY in config.stash:
        node.workerinput[_HANDED_KEY] = [*config.stash[_MODELS_KEY]]


def unrecorded(model: str) -> str:
    """Say why a trial that is not recorded is skipped; the same for all of a model, so that they are told of once."""
    return (
        f"{model} is recorded, but not this trial; to record it, run with --codeact-mode=record and "
        "--codeact-budget=USD; with --codeact-mode=reference all trials are run by the reference model"
    )


def described(settings: Settings, registry: Registry) -> str:
    """Name the models of a run, and say where their replies come from: once of all live ones, which stand first."""
    own = ["reference policy (no LLM)" if each == REFERENCE else each for each in settings.models]
    live = [model for model in settings.models if registry.is_live(model)]
    origin = {
        "auto": "replayed from recordings",
        "replay": "replayed from recordings",
        "record": "recorded where it is not yet",
        "refresh": "recorded anew",
    }.get(settings.mode)
    if not live or origin is None:
        return ", ".join(own)
    others = [each for each in own if each not in live]
    asked = f"{', '.join(live)} ({'each ' if len(live) > 1 else ''}{origin})"
    return ", ".join([asked, *others])
