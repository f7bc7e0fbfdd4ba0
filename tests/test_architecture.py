"""The layout of docs/architecture.md, held: which room may import which, and who owns a foreign package."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pytest_codeact"
DOC = Path(__file__).parent.parent / "docs" / "architecture.md"

CORE = {"attempt", "errors", "records", "deadline", "locks"}

MAY_IMPORT: dict[str, set[str]] = {
    "attempt": set(),
    "errors": {"attempt"},
    "records": {"attempt", "errors"},
    "deadline": {"errors"},
    "locks": set(),
    "redaction": CORE,
    "tools": CORE,
    "providers": CORE,
    "emulator": CORE | {"providers"},
    "runtimes": CORE,
    "scenario": CORE | {"tools", "runtimes"},
    "arms": CORE | {"tools", "scenario", "runtimes"},
    "trial": CORE | {"tools", "providers", "runtimes", "scenario", "arms"},
    "measure": CORE,
    "money": CORE | {"providers"},
    "registry": CORE | {"providers", "runtimes", "arms", "measure"},
    "options": CORE | {"measure", "redaction", "runtimes", "scenario"},
    "hookspecs": {"registry", "records", "measure"},
    "stored": CORE | {"measure"},
    "comparison": CORE | {"measure", "stored"},
    "gate": CORE | {"comparison", "measure", "stored"},
    "journal": CORE | {"options", "providers", "redaction", "scenario", "tools", "trial"},
    "resume": CORE | {"journal", "options", "redaction"},
    "cassettes": CORE | {"providers"},
    "modes": {"cassettes", "options", "registry"},
    "kit": CORE
    | {
        "arms",
        "gate",
        "journal",
        "modes",
        "options",
        "providers",
        "redaction",
        "registry",
        "resume",
        "runtimes",
    },
    "collection": CORE | {"gate", "measure", "options", "providers", "scenario", "trial"},
    "clients": CORE | {"cassettes", "kit", "modes", "providers", "scenario", "spending", "tools", "trial"},
    "stage": CORE | {"arms", "clients", "journal", "kit", "providers", "runtimes", "scenario", "tools", "trial"},
    "notices": CORE | {"collection", "kit", "trial"},
    "ahead": CORE | {"collection", "kit", "notices", "options", "scenario", "stage", "trial"},
    "serving": CORE | {"collection", "emulator", "kit", "providers", "scenario", "tools"},
    "fixtures": CORE
    | {
        "ahead",
        "arms",
        "collection",
        "emulator",
        "kit",
        "providers",
        "runtimes",
        "scenario",
        "serving",
        "snapshots",
        "stage",
        "tools",
        "trial",
    },
    "masking": CORE | {"kit", "redaction", "worker"},
    "shipping": CORE | {"collection", "fixtures", "kit", "notices", "trial"},
    "gating": CORE | {"comparison", "gate", "kit", "measure", "options", "reports", "storage", "stored"},
    "intake": CORE | {"ahead", "collection", "gating", "journal", "kit", "notices", "shipping"},
    "session": CORE
    | {
        "collection",
        "gating",
        "intake",
        "journal",
        "kit",
        "measure",
        "options",
        "reports",
        "snapshots",
        "storage",
        "stored",
    },
    "spending": CORE | {"kit", "money", "options", "providers"},
    "planning": CORE
    | {
        "arms",
        "collection",
        "journal",
        "kit",
        "money",
        "notices",
        "reports",
        "scenario",
        "shipping",
        "spending",
        "stage",
        "tools",
        "trial",
    },
    "dist": CORE | {"collection", "options"},
    "controller": CORE
    | {"ahead", "dist", "kit", "modes", "options", "planning", "resume", "session", "snapshots", "storage", "worker"},
    "worker": CORE | {"planning", "shipping"},
    "storage": CORE | {"measure", "stored"},
    "snapshots": CORE,
    "reports": CORE | {"comparison", "gate", "measure"},
    "testing": CORE | {"registry", "runtimes"},
    "cli": CORE
    | {
        "cassettes",
        "collection",
        "comparison",
        "gate",
        "kit",
        "measure",
        "redaction",
        "reports",
        "serving",
        "storage",
        "stored",
    },
    "__main__": {"cli"},
    "__init__": {"errors", "tools"},
}
"""Per room, the rooms that it may import, lazy and typing imports included. `plugin` may import any."""

OWNERS = {
    "pytest_benchmark": {"storage"},
    "syrupy": {"snapshots"},
    "xdist": {"dist"},
    "execnet": {"dist"},
    "RestrictedPython": {"runtimes"},
    "pydantic_monty": {"runtimes"},
    "deno": {"runtimes"},
    "mistral_common": {"providers"},
    "tiktoken": {"providers"},
    "tenacity": {"providers"},
    "anthropic": {"providers"},
    "openai": {"providers"},
    "mistralai": {"providers"},
    "google": {"providers"},
    "httpx2": {"providers"},
    "uvicorn": {"emulator"},
    "numpy": {"measure"},
    "genai_prices": {"money"},
}
"""Per foreign package, the room that owns it. Any other foreign package but pytest is refused."""

PYTEST_SIDE = {
    "ahead",
    "collection",
    "controller",
    "dist",
    "fixtures",
    "gating",
    "hookspecs",
    "intake",
    "kit",
    "masking",
    "modes",
    "notices",
    "options",
    "planning",
    "plugin",
    "resume",
    "serving",
    "session",
    "shipping",
    "snapshots",
    "spending",
    "storage",
    "testing",
    "worker",
}
"""The rooms that may know pytest."""


def room_of(path: Path) -> str:
    """Give the room a file belongs to: the module, or the sub-package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """List the absolute names of the modules that a file imports anywhere, functions and TYPE_CHECKING included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == "pytest_codeact":
                names |= {f"pytest_codeact.{alias.name}" for alias in node.names}
            else:
                names.add(str(node.module))
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "load_sdk":
            names |= {str(each.value) for each in node.args if isinstance(each, ast.Constant)}
    return names


FILES = sorted(PACKAGE.rglob("*.py"))
IDS = [str(path.relative_to(PACKAGE)) for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_room_imports_only_what_the_table_allows(path: Path) -> None:
    """Every import of one of our rooms is in the table."""
    room = room_of(path)
    rooms = {name.split(".")[1] for name in imported(path) if name.startswith("pytest_codeact.")} - {room}

    assert room == "plugin" or rooms <= MAY_IMPORT[room]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_foreign_package_has_one_owner(path: Path) -> None:
    """A foreign package is imported by the room that owns it and by nobody else."""
    room = room_of(path)
    tops = {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names) - {"pytest_codeact"}
    if room in PYTEST_SIDE:
        tops -= {"pytest", "_pytest"}

    assert {top for top in tops if room not in OWNERS.get(top, set())} == set()


def test_table_has_no_cycle() -> None:
    """What the table allows cannot become a cycle."""
    done: set[str] = set()
    left = dict(MAY_IMPORT)
    while left:
        free = {room for room, allowed in left.items() if allowed <= done}
        assert free, f"a cycle among {sorted(left)}"
        done |= free
        left = {room: allowed for room, allowed in left.items() if room not in free}

    assert done == set(MAY_IMPORT)


def test_table_names_every_room() -> None:
    """No room is missing from the table, and the table names none that is gone."""
    assert {room_of(path) for path in FILES} - {"plugin"} == set(MAY_IMPORT)


def test_documentation_shows_the_same_table() -> None:
    """docs/architecture.md has one row per room, with the same imports."""
    rows = {}
    for line in DOC.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0].startswith("`"):
            allowed = {name for name in cells[2].replace(",", " ").split() if name not in {"-", "any"}}
            rows[cells[0].strip("`/")] = (allowed - {"core"}) | (CORE if "core" in allowed else set())

    assert {**MAY_IMPORT, "plugin": set()} == rows


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_module_is_at_most_400_lines(path: Path) -> None:
    """A room that outgrows a few pages is split."""
    assert len(path.read_text().splitlines()) <= 400
