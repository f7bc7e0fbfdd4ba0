"""Keys of the test process in no sandbox: not for a program, and not in the environment of any process of a runtime."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_codeact.registry import Registry, register_builtins
from pytest_codeact.runtimes import Bindings, CallReply, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

KEY: Final = "zephyr4.quartz-88x"
NAME: Final = "CANARY_API_KEY"

PYTHON: Final = (
    f"import os\nprint(os.environ[{NAME!r}])",
    f"import os\nprint(os.getenv({NAME!r}))",
    "import os\nprint(dict(os.environ))",
    "print(open('/proc/self/environ').read())",
    "from pathlib import Path\nprint(Path('/proc/self/environ').read_text())",
    "print(open(FILE).read())",
    "from pathlib import Path\nprint(Path(FILE).read_text())",
)
TYPESCRIPT: Final = (
    f"console.log(Deno.env.get({NAME!r}))",
    f"console.log((globalThis as any).process.env.{NAME})",
    "console.log(Deno.readTextFileSync('/proc/self/environ'))",
    "console.log(Deno.readTextFileSync(FILE))",
    "console.log((await import('node:fs')).readFileSync(FILE, 'utf8'))",
    "console.log((await import(FILE, { with: { type: 'json' } })).default)",
)

RUNTIMES: Final = {"restricted": ("RestrictedPython", PYTHON), "monty": ("pydantic_monty", PYTHON)} | {
    "deno": ("deno", TYPESCRIPT)
}


@pytest.mark.parametrize("name", RUNTIMES)
def test_no_key_reaches_a_sandbox(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program sees neither a variable nor a file of the run, and no process of its runtime has the variable."""
    package, programs = RUNTIMES[name]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    monkeypatch.setenv(NAME, KEY)
    file = tmp_path / "journal.json"
    file.write_text(f'{{"key": "{KEY}"}}')
    registry = Registry()
    register_builtins(registry)
    before = set(descendants(os.getpid()))
    runtime = registry.runtime(name)()
    try:
        session = runtime.start(Bindings(functions=(), call=lambda *_call: CallReply()), Limits())
        ended = [session.run(each.replace("FILE", repr(str(file)))) for each in programs]
        processes = [each for each in descendants(os.getpid()) if each not in before]
        seen = {each: (told(each, "environ"), told(each, "cmdline")) for each in processes}
        session.close()
    finally:
        runtime.close()

    assert KEY not in repr(ended)
    # What was not there at all was not held back: the program is told so, or finds nothing.
    assert all(each.status != "ok" or "undefined" in each.output or "None" in each.output for each in ended)
    assert seen
    assert KEY.encode() not in b"".join(part or b"" for parts in seen.values() for part in parts)
    # Monty's is empty; None is one that nobody may read, which proves nothing.
    assert any(environment is not None for environment, _ in seen.values())


def descendants(process: int) -> Iterator[int]:
    """Give the numbers of a process's children, of theirs, and so on; those of all its threads."""
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, told_text(children).split()):
            yield child
            yield from descendants(child)


def told(process: int, what: str) -> bytes | None:
    """Give what the kernel tells of a process. None if it ended, or lets nobody look."""
    try:
        return Path(f"/proc/{process}/{what}").read_bytes()
    except OSError:
        return None


def told_text(path: Path) -> str:
    """Give the text of a file. "" if it is gone."""
    try:
        return path.read_text()
    except OSError:
        return ""
