"""
Run the corpus of hostile and honest programs, and print one JSON line per program: how it ended and what it did.

As a script::

    python tests/corpus_driver.py --mode restricted
    python tests/corpus_driver.py --mode breach --category breach-fs --layers rlimits,seccomp
    python tests/corpus_driver.py --ablation

Programs run several at a time. What one of them is told or says is held against it alone; what happened to the host,
against all that ran at that time. `--ablation` switches the walls off one by one and lets only programs run that aim at
the folder of canaries and at listeners on this machine, as an ordinary user.
"""

# ruff: noqa: T201  # a script prints
from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.runtimes import Limits
from pytest_codeact.runtimes.restricted import RestrictedRuntime
from pytest_codeact.testing import Host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_codeact.runtimes import Execution, Runtime

CORPUS: Final = Path(__file__).parent / "corpus"
LIMITS: Final = Limits(wall_s=1.5)
LATE_S: Final = 0.5
"""Seconds past its time after which a program was not stopped."""
AT_A_TIME: Final = 4
LAYERS: Final = ("rlimits", "no_new_privs", "seccomp", "landlock", "namespaces", "uid")

_OURS: Final = {"guard-shadowing/shadow_tmp_name": ("error",)}
"""Further verdicts that are right here: that program looks for a hook that this sandbox does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """
    A program of the corpus.

    Attributes:
        id: Its category and name.
        category: Its folder.
        mode: "restricted", or "breach" for the language layer off.
        accept: The verdicts that are right: "denied", "error", "killed", "ok".
        source: Its text, before canaries are put in.
    """

    id: str
    category: str
    mode: str
    accept: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    What came of a program, or of the host while a batch of them ran.

    Attributes:
        id: The program's id; several, with spaces between, for a batch.
        verdict: How it ended. "" for a batch.
        accept: The verdicts that are right. Empty for a batch.
        seconds: How long it ran, by the host's clock.
        violations: What happened that must not.
        error: The beginning of the error that it was told. "" for none.
    """

    id: str
    verdict: str = ""
    accept: tuple[str, ...] = ()
    seconds: float = 0.0
    violations: tuple[str, ...] = ()
    error: str = ""

    def problem(self) -> str:
        """Say what is wrong. "" for nothing."""
        if self.violations:
            return f"{self.id}: {'; '.join(self.violations)}"
        if self.accept and self.verdict not in self.accept:
            return f"{self.id}: ended as {self.verdict!r}, accepted: {', '.join(self.accept)}; {self.error}"
        return ""


def finding_of(line: str) -> Finding:
    """Read a finding back from its line."""
    fields = json.loads(line)
    return Finding(**{**fields, "accept": tuple(fields["accept"]), "violations": tuple(fields["violations"])})


def hostile(mode: str, category: str | None = None) -> list[Case]:
    """Give the hostile programs of a mode, of all categories or of one."""
    manifest = json.loads((CORPUS / "manifest.json").read_text(encoding="utf-8"))
    return [
        Case(
            id=entry["id"],
            category=entry["category"],
            mode=entry["mode"],
            accept=(*entry["accept"], *_OURS.get(entry["id"], ())),
            source=_source(entry),
        )
        for entry in manifest["hostile"]
        if entry["mode"] == mode and category in {None, entry["category"]}
    ]


def _source(entry: dict[str, Any]) -> str:
    text = (CORPUS / str(entry["file"])).read_bytes().decode("utf-8", "surrogatepass")
    if entry["category"] == "breach-net":
        text = text.replace("PORT", "CANARY_PORT")
    return text


def make_runtime(mode: str, layers: Sequence[str] | None = None) -> Runtime:
    """Make the runtime for a mode, with all layers of the system or with these alone."""
    if mode == "restricted" and layers is None:
        return RestrictedRuntime()
    switches: dict[str, Any] = {"language": mode == "restricted"}
    if layers is not None:
        switches["layers"] = frozenset(layers)
    return RestrictedRuntime(**switches)


def verdict_of(execution: Execution) -> str:
    """Put a status into the corpus's words."""
    if execution.status == "limit":
        ended_itself = "memory limit of" in (execution.error or "") or "Error" in (execution.error or "").split(":")[0]
        return "error" if ended_itself else "killed"
    return {"ok": "ok", "final": "ok", "error": "error", "denied": "denied", "crash": "killed"}[execution.status]


def run_cases(runtime: Runtime, host: Host, cases: Sequence[Case]) -> Iterator[Finding]:
    """Run programs a few at a time; after the findings of a batch comes what happened to the host, if anything."""
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        for start in range(0, len(cases), 2 * AT_A_TIME):
            batch = cases[start : start + 2 * AT_A_TIME]
            ran = list(threads.map(lambda case: _run(runtime, host, case), batch))
            for case, (execution, seconds) in zip(batch, ran, strict=True):
                yield Finding(
                    id=case.id,
                    verdict=verdict_of(execution),
                    accept=case.accept,
                    seconds=round(seconds, 3),
                    violations=(*host.leaks([execution]), *_late(runtime, host, case, seconds)),
                    error=(execution.error or "")[-300:],
                )
            if effects := host.judge():
                yield Finding(id=" ".join(case.id for case in batch), violations=tuple(effects))


def _late(runtime: Runtime, host: Host, case: Case, seconds: float) -> list[str]:
    """Say that a program was stopped too late, if it is again when nothing else runs: the machine may be busy."""
    allowed_s = LIMITS.wall_s + LATE_S
    if seconds <= allowed_s or (seconds := _run(runtime, host, case)[1]) <= allowed_s:
        return []
    return [f"it ran {seconds:.2f} s of its {LIMITS.wall_s:g} s"]


def _run(runtime: Runtime, host: Host, case: Case) -> tuple[Execution, float]:
    session = runtime.start(host.bindings(), LIMITS)
    try:
        session.prepare()
        begin_s = time.monotonic()
        execution = session.run(host.aimed(case.source))
        return execution, time.monotonic() - begin_s
    finally:
        session.close()


def warm_up(runtime: Runtime, host: Host) -> None:
    """Let the runtime start what it keeps, and take that as what may stay."""
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        idle = Case(id="idle", category="", mode="", accept=("ok",), source="1\n")
        list(threads.map(lambda _: _run(runtime, host, idle), range(2 * AT_A_TIME)))
    host.settle()


def findings(mode: str, category: str | None = None, layers: Sequence[str] | None = None) -> Iterator[Finding]:
    """Run the hostile programs of a mode; the last finding is what a closed runtime leaves, if anything."""
    with Host() as host:
        host.settle()
        empty = host.footprint()
        runtime = make_runtime(mode, layers)
        try:
            warm_up(runtime, host)
            yield from run_cases(runtime, host, hostile(mode, category))
        finally:
            runtime.close()
        if left := host.leftovers(empty):
            yield Finding(id="the closed runtime", violations=tuple(left))


# The ablation

WALLS: Final[dict[str, frozenset[str]]] = {
    "all layers": frozenset(LAYERS),
    **{f"without {name}": frozenset(LAYERS) - {name} for name in LAYERS},
    "without seccomp, landlock": frozenset(LAYERS) - {"seccomp", "landlock"},
    "without seccomp, namespaces": frozenset(LAYERS) - {"seccomp", "namespaces"},
    "without landlock, namespaces": frozenset(LAYERS) - {"landlock", "namespaces"},
    "without seccomp, landlock, namespaces": frozenset(LAYERS) - {"seccomp", "landlock", "namespaces"},
}
"""Which layers stand, by what is said of it."""

_HARMLESS: Final = ("breach-fs", "breach-net")
"""What may run without walls: it reads, it writes into the folder of canaries, it connects to this machine."""

_OUTSIDE: Final = ('"/dev/shm/pwn"', '"pwn"', '"/root/pwn"', '"/var/tmp/pwn"')
"""Places outside that folder that such programs also try; they are led into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """
    What was contained with some layers off.

    Attributes:
        walls: The key in `WALLS`.
        breached: Ids of the programs that got through, in the order of the corpus.
        count: How many ran.
    """

    walls: str
    breached: tuple[str, ...]
    count: int


def ablation() -> Iterator[Ablation]:
    """
    Let the harmless breach programs run behind fewer and fewer walls.

    Raises:
        PermissionError: The process is root, to whom without walls everything is open.
    """
    if os.getuid() == 0:
        raise PermissionError("the ablation runs programs without walls; run it as an ordinary user, not as root")
    cases = [case for category in _HARMLESS for case in hostile("breach", category)]
    for walls, layers in WALLS.items():
        runtime = make_runtime("breach", sorted(layers))
        try:
            with Host() as host:
                breached = tuple(case.id for case in cases if _breaches(runtime, host, case))
        finally:
            runtime.close()
        yield Ablation(walls=walls, breached=breached, count=len(cases))


def _breaches(runtime: Runtime, host: Host, case: Case) -> bool:
    source = case.source
    for number, place in enumerate(_OUTSIDE):
        source = source.replace(place, f'"CANARY_DIR/pwn/{number}"')
    session = runtime.start(host.bindings(), LIMITS)
    try:
        execution = session.run(host.aimed(source))
    finally:
        session.close()
    return bool(host.leaks([execution]) + host.effects())


def ablation_table(rows: Iterable[Ablation]) -> str:
    """Give the ablation as a Markdown table."""
    lines = ["| layers | contained | got through |", "|---|---|---|"]
    for row in rows:
        names = ", ".join(each.split("/")[1] for each in row.breached) or "-"
        lines.append(f"| {row.walls} | {row.count - len(row.breached)} of {row.count} | {names} |")
    return "\n".join(lines)


def main() -> int:
    """Print what was asked for; 1 if a program was not contained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=("restricted", "breach"), default="restricted")
    parser.add_argument("--category", help="only this one")
    parser.add_argument("--layers", help="the layers of the system that stand, with commas between; all if not given")
    parser.add_argument("--ablation", action="store_true", help="print the table of layers switched off")
    parser.add_argument("--json", action="store_true", help="print the ablation as JSON lines")
    arguments = parser.parse_args()
    # Programs that write where they stand must not stand in the project.
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return _print(arguments)
        finally:
            os.chdir("/")


def _print(arguments: argparse.Namespace) -> int:
    if arguments.ablation:
        if arguments.json:
            for row in ablation():
                print(json.dumps(asdict(row)), flush=True)
        else:
            print(ablation_table(ablation()))
        return 0
    layers = None if arguments.layers is None else [name for name in arguments.layers.split(",") if name]
    bad = 0
    for finding in findings(arguments.mode, arguments.category, layers):
        bad += bool(finding.problem())
        print(json.dumps(asdict(finding)), flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
