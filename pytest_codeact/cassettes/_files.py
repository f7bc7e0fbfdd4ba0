"""
The files of cassettes: where each lies, and how it is written by many processes at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pytest_codeact.cassettes._form import Cassette
from pytest_codeact.cassettes._splice import spliced
from pytest_codeact.errors import RecordingError
from pytest_codeact.locks import alone_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_codeact.cassettes._form import Recording

_SAFE: Final = " []()=,+@-_."
"""Characters besides letters and digits that stand in file names as they are."""

_MAX_NAME: Final = 200
"""Characters of a file's or directory's name; common file systems take 255 bytes, and a suffix comes on top."""

_SUFFIX: Final = ".json"
_DRAFT: Final = ".tmp"


def cassette_path(root: Path, *, scenario: str, arm: str, model: str) -> Path:
    """
    Give the file of a cassette: `root`/MODULE/TEST/ARM/PROVIDER/MODEL.json.

    No two have one file: what a file name must not hold is written as in a URL, and of a name that is too long the
    hash is part.

    Args:
        root: The directory of all cassettes.
        scenario: Id of the scenario, for example "dir/test_x.py::TestY::test_z[red]", which gives
            dir/test_x/TestY.test_z[red].
        arm: Name of the arm.
        model: PROVIDER/MODEL, or PROVIDER alone.
    """
    module, _, test = scenario.partition("::")
    head, bracket, parameters = test.partition("[")
    provider, slash, name = model.partition("/")
    parts = [
        *module.removesuffix(".py").split("/"),
        head.replace("::", ".") + bracket + parameters,
        arm,
        provider,
    ]
    # Of a provider that is named without a model: no name can be quoted to this.
    stem = _name(name) if name else "%" * (1 + len(slash))
    return root.joinpath(*map(_name, parts), stem + _SUFFIX)


def any_cassette(root: Path, model: str) -> bool:
    """Tell whether anything of a model is recorded."""
    pattern = cassette_path(root, scenario="x.py::x", arm="x", model=model)
    return any(path.is_file() for path in root.rglob(f"{pattern.parent.name}/{_literal(pattern.name)}"))


def cassette_files(root: Path) -> list[Path]:
    """List the files of all cassettes, sorted."""
    return sorted(path for path in root.rglob(f"*{_SUFFIX}") if path.is_file() and not path.name.startswith("."))


def draft_files(root: Path) -> list[Path]:
    """List what processes left behind that were killed while they wrote."""
    return sorted(path for path in root.rglob(f".*{_SUFFIX}*{_DRAFT}") if path.is_file())


def read_cassette(path: Path) -> Cassette | None:
    """
    Read a cassette. None if there is no such file.

    Raises:
        RecordingError: It cannot be read; the text says what to do.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError) as error:
        raise RecordingError(f"the cassette {path} cannot be read: {error}") from error
    try:
        return Cassette.from_text(text)
    except RecordingError as error:
        raise RecordingError(
            f"{path} {error}; record it anew with --codeact-mode=refresh, get it back from version control, or read it "
            "with the version that wrote it"
        ) from error


def change_cassette(path: Path, change: Callable[[Cassette | None], Cassette | None], *, renews: bool) -> None:
    """
    Change a cassette, whatever other threads and processes do to it.

    Whoever reads the file meanwhile meets the old text or the new one, never a part.

    Args:
        path: Its file.
        change: Makes the new one of the one that there is; None for none on either side, and for no file.
        renews: Whether one that cannot be read is taken for none.

    Raises:
        RecordingError: It cannot be read.
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone_in(path.parent):
        _change(path, change, renews=renews)


def put_recording(
    path: Path,
    recording: Recording,
    offers: Mapping[str, dict[str, Any]],
    *,
    empty: Cassette,
    renews: bool,
) -> None:
    """
    Put a trial's recording into its cassette, in the place of the old one; as for `change_cassette`.

    Args:
        path: The cassette's file.
        recording: With at least one interaction.
        offers: The offers that it names, or more.
        empty: The cassette to begin with where there is none.
        renews: Whether a cassette that cannot be read is taken for none.

    Raises:
        RecordingError: The cassette cannot be read.
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone_in(path.parent):
        try:
            text = spliced(path.read_text("utf-8"), recording)
        except (OSError, UnicodeError):
            text = None
        if text is not None:
            _write(path, text)
        else:
            _change(path, lambda held: (held or empty).with_recording(recording, offers), renews=renews)


def _change(path: Path, change: Callable[[Cassette | None], Cassette | None], *, renews: bool) -> None:
    try:
        held = read_cassette(path)
    except RecordingError:
        if not renews:
            raise
        held = None
    cassette = change(held)
    if cassette is None:
        path.unlink(missing_ok=True)
    else:
        _write(path, cassette.to_text())


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}{_DRAFT}")
    try:
        draft.write_text(text, "utf-8")
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def _name(part: str) -> str:
    quoted = quote(part, safe=_SAFE, errors="surrogatepass")
    if quoted.startswith("."):
        # Neither hidden nor another directory.
        quoted = "%2E" + quoted[1:]
    if len(quoted) <= _MAX_NAME:
        return quoted or "%"
    digest = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    # No name can be quoted to one with this character.
    return f"{quoted[:_MAX_NAME]}~{digest}"


def _literal(name: str) -> str:
    """Give the pattern that a name alone fits."""
    return name.replace("[", "[[]")
