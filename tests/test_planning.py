"""The plan and the end of a live run, without a run: the stand-in, rows, refusals and the exit code."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fakes import ScriptedModel, Shelf

from pytest_codeact.journal import Journal, JournalFile
from pytest_codeact.kit import Kit
from pytest_codeact.notices import PLAN_KEY
from pytest_codeact.options import Settings
from pytest_codeact.planning import Planning, _Estimate, _stand_in
from pytest_codeact.records import Usage
from pytest_codeact.registry import Registry, register_builtins
from pytest_codeact.reports.plan import PlanRow
from pytest_codeact.scenario import Scenario
from pytest_codeact.shipping import REFUSED_KEY
from pytest_codeact.trial import Case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRICES = '["fake/x"]\ninput = 10.0\noutput = 100.0\n'
CASE = Case(arm="direct", model="fake/x")
LOST = _Estimate(usages=(None,))
KNOWN = _Estimate(usages=(Usage(input_tokens=100, output_tokens=10), Usage(input_tokens=200, output_tokens=10)))


def fill(tools: Any) -> int:
    """Put two items on the shelf, and count."""
    tools.put("cup", 2)
    count: int = tools.look("cup")["count"]
    return count


def ponder(_tools: Any) -> int:
    """Never come to an end."""
    while True:
        pass


SCENARIO = Scenario(id="t.py::test_x", prompt="Fill.", tools=Shelf, reference=fill, answer=int)


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Kit]:
    """Make a kit with a live provider, which must not be asked, and a price for one of its models."""
    registry = Registry()
    register_builtins(registry)
    registry.add_provider("fake", lambda _context: ScriptedModel(AssertionError("asked")), live=True)
    store = JournalFile(tmp_path / ".codeact" / "run", lambda: b"{}\n", owner=True)
    (tmp_path / "prices.toml").write_text(PRICES)
    settings = Settings(
        mode="live", models=("fake/x", "fake/y"), trials=2, budget_usd=2.0, prices=str(tmp_path / "prices.toml")
    )
    made = Kit(settings, registry, Journal(store, "run", looks_up=False))
    yield made
    made.close()
    store.close()


class Terminal:
    """A terminal reporter, and the plugin manager that has it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def get_plugin(self, _name: str) -> Terminal:
        """Give the reporter."""
        return self

    def ensure_newline(self) -> None:
        """Do nothing."""

    def write_line(self, line: str, **_marks: bool) -> None:
        """Keep a line."""
        self.lines.append(line)


@pytest.fixture
def terminal() -> Terminal:
    """Give the terminal."""
    return Terminal()


@pytest.fixture
def planning(kit: Kit, terminal: Terminal, tmp_path: Path) -> Planning:
    """Make the hooks of a controller."""
    config: Any = SimpleNamespace(
        pluginmanager=terminal,
        option=SimpleNamespace(collectonly=False),
        get_terminal_writer=lambda: SimpleNamespace(fullwidth=100),
        rootpath=tmp_path,
    )
    return Planning(config, kit, ["fake/x", "fake/y"])


def test_stand_in_asks_what_the_reference_policy_would(kit: Kit) -> None:
    """A direct trial takes a request per call and one for the answer; the live model is not asked."""
    found = _stand_in(kit, CASE, SCENARIO, 30.0)

    assert found is not None
    assert len(found.usages) == 3


@pytest.mark.parametrize(
    ("scenario", "left_s"),
    [
        (replace(SCENARIO, reference=None), 30.0),
        (replace(SCENARIO, reference=lambda _tools: 1 // 0), 30.0),
        (replace(SCENARIO, reference=ponder), 0.05),
    ],
    ids=["no solution", "a wrong one", "no time left"],
)
def test_stand_in_that_cannot_is_unknown(kit: Kit, scenario: Scenario, left_s: float) -> None:
    """Nobody guesses."""
    assert _stand_in(kit, CASE, scenario, left_s) is None


@pytest.mark.parametrize(
    ("model", "trials", "row"),
    [
        (
            "fake/x",
            [KNOWN, KNOWN],
            PlanRow(
                model="fake/x",
                arm="code",
                trials=2,
                requests=4,
                input_tokens=600,
                output_tokens=40,
                cost_usd=0.01,
            ),
        ),
        (
            "fake/y",
            [KNOWN],
            PlanRow(model="fake/y", arm="code", trials=1, requests=2, input_tokens=300, output_tokens=20),
        ),
        ("fake/x", [KNOWN, LOST], PlanRow(model="fake/x", arm="code", trials=2, requests=3)),
        ("fake/x", [KNOWN, None], PlanRow(model="fake/x", arm="code", trials=2)),
    ],
    ids=["known", "no price", "no tokenizer", "no stand-in"],
)
def test_row_knows_what_all_its_trials_know(
    planning: Planning, model: str, trials: list[_Estimate | None], row: PlanRow
) -> None:
    """Sums over its trials, each request priced by itself; what one does not know is unknown."""
    assert planning._row(model, "code", trials) == row


def test_first_worker_alone_makes_the_plan(planning: Planning) -> None:
    """All of them would make the same, and each would take its time."""
    nodes: list[Any] = [SimpleNamespace(workerinput={}) for _ in range(3)]
    for each in nodes:
        planning.pytest_configure_node(each)

    assert [each.workerinput for each in nodes] == [{"codeact_plans": first} for first in (True, False, False)]


def test_plan_of_a_worker_is_shown(planning: Planning, terminal: Terminal) -> None:
    """As if it had been made here, with the tokenizer that it was counted by."""
    row = asdict(PlanRow(model="fake/x", arm="code", trials=2, requests=2, input_tokens=8, output_tokens=4))
    report: Any = SimpleNamespace(**{PLAN_KEY: json.dumps({"rows": [row], "counters": ["tekken 240718"]})})
    planning.pytest_runtest_logreport(report)

    assert terminal.lines[:4] == [
        "codeact plan:",
        "model   arm   trials  requests  tok in  tok out  USD",
        "fake/x  code       2         2       8        4  n/a",
        "Limits, over all workers: budget $2.00.",
    ]
    assert "counted by tekken 240718" in " ".join(" ".join(terminal.lines).split())
    assert planning.refused == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"budget_usd": None}, "no budget is given"),
        ({"budget_usd": float("inf"), "max_requests": 5_000}, "any sum may be spent, at most 5,000 requests"),
        ({"max_seconds": 90.5}, "budget $2.00, at most 90.5 s"),
        ({"rpm": 3, "tpm": 90_000}, "budget $2.00, 3 requests a minute, 90,000 tokens a minute"),
    ],
)
def test_plan_says_every_limit(planning: Planning, kit: Kit, changes: dict[str, Any], said: str) -> None:
    """What is not given is not there, but for the budget."""
    kit.settings = replace(kit.settings, **changes)

    assert planning._limits() == f"Limits, over all workers: {said}."


@pytest.mark.parametrize(
    ("reason", "before", "after"),
    [
        ("used up", pytest.ExitCode.OK, pytest.ExitCode.INTERRUPTED),
        ("used up", pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED),
        ("used up", pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.INTERNAL_ERROR),
        (None, pytest.ExitCode.OK, pytest.ExitCode.OK),
    ],
)
def test_refused_trial_makes_a_run_incomplete(
    planning: Planning, terminal: Terminal, reason: str | None, before: int, after: int
) -> None:
    """By its exit code, where nothing worse has happened, and by its last line."""
    report: Any = SimpleNamespace(**({} if reason is None else {REFUSED_KEY: reason}))
    planning.pytest_runtest_logreport(report)
    session: Any = SimpleNamespace(exitstatus=before)
    planning.pytest_sessionfinish(session)
    planning.pytest_terminal_summary(terminal)  # type: ignore[arg-type]  # a stand-in

    assert session.exitstatus == after
    assert terminal.lines == ([] if reason is None else ["incomplete: 1 trial was not run: used up"])


@pytest.mark.parametrize(
    ("changes", "is_stopped"),
    [({"dry_run": True}, True), ({}, None)],
    ids=["dry", "live"],
)
def test_dry_run_runs_nothing(planning: Planning, kit: Kit, changes: dict[str, Any], is_stopped: bool | None) -> None:
    """Another run goes on to its tests."""
    kit.settings = replace(kit.settings, **changes)
    session: Any = SimpleNamespace(config=planning._config)

    assert planning.pytest_runtestloop(session) is is_stopped
