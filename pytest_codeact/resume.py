"""
From the command line to the journal of the run: of a new one, of one that goes on, and of the run whose worker this
process is. The controller draws the name; the file is made when the first trial begins.
"""

from __future__ import annotations

import platform
import time
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_codeact.errors import RecordError
from pytest_codeact.journal import (
    DIRECTORY,
    FILE,
    Header,
    Journal,
    JournalFile,
    Outbox,
    blotted,
    new_name,
    read_header,
    run_names,
)
from pytest_codeact.options import Settings, as_given, source_of
from pytest_codeact.redaction import MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_codeact.records import Json
    from pytest_codeact.redaction import Secrets

EXPERIMENT: Final = (
    "arms",
    "models",
    "trials",
    "seed",
    "sandbox",
    "frozen_clock_s",
    "max_turns",
    "max_output_tokens",
    "observation_bytes",
    "limits",
    "order",
    "control",
    "prompt_cache",
)
"""Settings that make a run what it is. A resumed run has those that it began with."""

_KEPT: Final = (
    *EXPERIMENT,
    "min_success",
    "concurrency",
    "deadline_s",
    "sandbox_min",
    "mode",
    "base_urls",
    "cassettes",
    "prices",
    "request_timeout_s",
    "rpm",
    "tpm",
)
"""
Settings that a resumed run takes from its journal; what is not in `EXPERIMENT` may be asked for anew.

Where a live model was asked and recorded is among them: the rest of its trials would go to the vendor's own address.
What may be spent is not, since whoever goes on says so anew.

No others: what is compared, required, shown and written stands beside --benchmark-compare, which no journal holds. A
gate without its baseline would let a regression pass, and write it down as the next baseline.
"""

LAST: Final = "last"

_OWN: Final = ("resume", "sources")
"""Settings of one session, which no journal holds."""

_HANDED_KEY: Final = "codeact"
_SHOWN_RUNS: Final = 5
_RUN_KEY: pytest.StashKey[str] = pytest.StashKey()
_SETTLED_KEY: pytest.StashKey[Settings] = pytest.StashKey()
_NOTICE_KEY: pytest.StashKey[str] = pytest.StashKey()
_BEGAN_KEY: pytest.StashKey[float] = pytest.StashKey()


def begin(config: pytest.Config, asked: Settings, secrets: Secrets) -> tuple[Settings, Journal]:
    """
    Give the settings of the run, which a journal may have fixed, and its journal.

    Args:
        config: The process's.
        asked: What command line and ini say.
        secrets: What the journal must not hold.

    Raises:
        pytest.UsageError: The run to go on with is unknown or unreadable, has other settings than were asked for, or
            is gone on with elsewhere.
    """
    handed = getattr(config, "workerinput", {}).get(_HANDED_KEY)
    if handed is not None:
        return _begin_worker(config, asked, handed, secrets)
    root = config.rootpath / DIRECTORY
    if asked.resume is None:
        run = _drawn_name(config)
        store = JournalFile(root / run, _first_line(config, asked, secrets), owner=True)
        config.add_cleanup(store.close)
        return asked, Journal(store, run, looks_up=False, hidden=secrets)
    run = config.stash[_RUN_KEY] = _found(root, asked.resume)
    header = _header_of(root, run)
    settings = config.stash[_SETTLED_KEY] = _settled(run, asked, header.settings)
    config.stash[_NOTICE_KEY] = f"codeact: going on with {run}, begun {header.started}"
    store = JournalFile(root / run, _first_line(config, settings, secrets), owner=True)
    config.add_cleanup(store.close)
    journal = Journal(store, run, looks_up=True, hidden=secrets)
    if not config.getoption("collectonly"):
        _take_over(run, store)
        journal.look_through()
    return settings, journal


def notice(config: pytest.Config) -> str:
    """Say which run the process goes on with: the last one need not be the one that is meant. "" for a new run."""
    return config.stash.get(_NOTICE_KEY, "")


def began_s(config: pytest.Config) -> float:
    """
    Say when the session began, in seconds of the machine's monotonic clock: the controller's session, in a worker too.

    Of a worker on another machine it means nothing: that has a clock of its own.
    """
    handed: dict[str, Any] = getattr(config, "workerinput", {}).get(_HANDED_KEY, {})
    began: float = handed.get("began_s", time.monotonic())
    return config.stash.setdefault(_BEGAN_KEY, began)


def hand_over(config: pytest.Config, node: Any) -> None:
    """
    Tell a worker that is about to be started of which run it is.

    Args:
        config: The controller's.
        node: xdist's `WorkerController`.
    """
    run = _drawn_name(config)
    # Without a journal that fixes them, the worker reads them off the same command line.
    settled = config.stash.get(_SETTLED_KEY, None)
    file = config.rootpath / DIRECTORY / run / FILE
    # Workers on this machine read it themselves.
    elsewhere = not node.gateway.spec.popen and file.exists()
    node.workerinput[_HANDED_KEY] = {
        "run": run,
        "began_s": began_s(config),
        "root": str(config.rootpath),
        "place": _place(config.rootpath),
        "settings": None if settled is None else _as_fields(settled),
        "journal": Outbox.pack(file.read_bytes() if elsewhere else b""),
    }


def _begin_worker(
    config: pytest.Config, asked: Settings, handed: dict[str, Any], secrets: Secrets
) -> tuple[Settings, Journal]:
    held = handed["settings"]
    settings = asked if held is None else _with(asked, held)
    root = Path(handed["root"])
    if handed["place"] != _place(root):
        return settings, Journal(Outbox(handed["journal"]), handed["run"], looks_up=True, hidden=secrets)
    store = JournalFile(root / DIRECTORY / handed["run"], _first_line(config, settings, secrets), owner=False)
    config.add_cleanup(store.close)
    return settings, Journal(store, handed["run"], looks_up=True, hidden=secrets)


def _drawn_name(config: pytest.Config) -> str:
    if _RUN_KEY not in config.stash:
        config.stash[_RUN_KEY] = new_name()
    return config.stash[_RUN_KEY]


def _place(root: Path) -> list[str | int]:
    """Tell one directory of one running machine from all others: who sees the same shares its file system."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    try:
        seen = root.stat()
        return [platform.node(), boot.read_text() if boot.exists() else "", seen.st_dev, seen.st_ino]
    except OSError:
        return []


def _found(root: Path, asked: str) -> str:
    names = run_names(root)
    name = names[0] if asked == LAST and names else Path(asked).name
    if name in names:
        return name
    if not names:
        raise pytest.UsageError(
            f"--codeact-resume: no run {asked!r} in {root}; there is none at all; run without --codeact-resume first"
        )
    newest = ", ".join(names[:_SHOWN_RUNS])
    raise pytest.UsageError(
        f"--codeact-resume: no run {asked!r} in {root}; the newest: {newest}; give one of them, or {LAST}"
    )


def _header_of(root: Path, run: str) -> Header:
    try:
        header = read_header(root / run)
    except (RecordError, OSError) as error:
        raise pytest.UsageError(
            f"--codeact-resume: the journal of {run} cannot be gone on with: {error}; "
            "start a new run without --codeact-resume"
        ) from error
    version = _version()
    if header.version != version:
        raise pytest.UsageError(
            f"--codeact-resume: {run} was begun with pytest-codeact {header.version}, and this is {version}: its "
            "trials would not be measured alike; go on with that version, or start a new run without --codeact-resume"
        )
    return header


def _settled(run: str, asked: Settings, held: Mapping[str, Json]) -> Settings:
    """
    Give the settings of a run that goes on: the experiment is its journal's, all else is as it is asked for now.

    Raises:
        pytest.UsageError: Something was asked for that would make another run of it; or an address must be given again.
    """
    given = _as_fields(asked)
    for name in EXPERIMENT:
        if name in asked.explicit and name in held and given[name] != held[name]:
            raise pytest.UsageError(
                f"--codeact-resume: {run} was begun with {as_given(name, held[name])}, and "
                f"{as_given(name, given[name])} is asked for; leave {source_of(asked, name)} out to go on with it, or "
                "start a new run without --codeact-resume"
            )
    kept = {name: held[name] for name in _KEPT if name in held and name not in asked.explicit}
    if MARK in str(kept.get("base_urls", "")):
        raise pytest.UsageError(
            f"--codeact-resume: {run} was begun with an address that held a secret, which its journal does not; give "
            "--codeact-base-url again"
        )
    return _with(asked, kept)


def _with(asked: Settings, held: Mapping[str, Json]) -> Settings:
    """Set the fields that a journal holds."""
    known = {each.name for each in fields(Settings)} - set(_OWN)
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in held.items()}
    return replace(asked, **{name: value for name, value in values.items() if name in known})


def _as_fields(settings: Settings) -> dict[str, Json]:
    """Give the settings as JSON, by field name."""
    values = {each.name: getattr(settings, each.name) for each in fields(Settings) if each.name not in _OWN}
    return {
        name: list(value) if isinstance(value, tuple) else dict(value) if name == "limits" else value
        for name, value in values.items()
    }


def _take_over(run: str, store: JournalFile) -> None:
    try:
        store.take_over()
    except BlockingIOError as error:
        raise pytest.UsageError(
            f"--codeact-resume: {run} is in use: another pytest runs it or goes on with it; "
            "wait until that has ended, or start a new run without --codeact-resume"
        ) from error
    except OSError as error:
        raise pytest.UsageError(
            f"--codeact-resume: the journal of {run} cannot be opened for writing: {error}; "
            "make it writable, or start a new run without --codeact-resume"
        ) from error


def _first_line(config: pytest.Config, settings: Settings, secrets: Secrets) -> Callable[[], bytes]:
    def line() -> bytes:
        return Header(
            version=_version(),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            args=secrets.redactor.json(blotted(str(each) for each in config.invocation_params.args)),
            # Nothing is lost: a resumed run takes no address from its journal.
            settings=secrets.redactor.json(_as_fields(settings)),
        ).to_line()

    return line


def _version() -> str:
    from importlib import metadata

    return metadata.version("pytest-codeact")
