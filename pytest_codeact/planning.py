"""
The plan of a live run, shown before anything is sent; the budget that it needs; and the run's bill at its end.

Registered with pytest only where a live model is asked, or a dry run is asked for.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_codeact.arms import Bench
from pytest_codeact.collection import case_of, scenario_of
from pytest_codeact.deadline import Lane
from pytest_codeact.errors import CodeActError
from pytest_codeact.journal import DIRECTORY
from pytest_codeact.kit import Kit
from pytest_codeact.money import reopen, usd
from pytest_codeact.notices import PLAN_KEY, send_plan
from pytest_codeact.reports import wrapped
from pytest_codeact.reports.plan import PlanRow, render_plan, total_of
from pytest_codeact.shipping import REFUSED_KEY
from pytest_codeact.spending import Bill, check_prices, live_models, rates_of
from pytest_codeact.stage import Slots, Stage
from pytest_codeact.tools import FinalAnswer
from pytest_codeact.trial import Case, run_trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.records import Usage
    from pytest_codeact.scenario import Scenario

_KEY: pytest.StashKey[Planning] = pytest.StashKey()

ESTIMATE_S: Final = 30.0
"""Seconds that the estimates of a plan may take together; what has none by then is unknown."""

_HOW: Final = (
    "Estimate: the reference policy run once as a stand-in for each model, its tokens counted by {}, every request "
    "priced by itself without a cache. A real model may need more turns, and its replies more tokens."
)
_RESUMED: Final = "Trials that the run has finished are not asked again."
_UNKNOWN: Final = (
    "n/a: a scenario has no reference solution that can stand in, no tokenizer is there "
    "(pip install 'pytest-codeact[tokens]'), or no price is known."
)


def plan_ahead(config: pytest.Config) -> None:
    """
    Make ready, in the controller and before xdist is, for what a run with these options asks of live models.

    Raises:
        pytest.UsageError: The budget cannot be held, or the prices cannot be read.
    """
    kit = Kit.of(config)
    models = live_models(kit)
    settings = kit.settings
    if not models and not settings.dry_run:
        return
    if models:
        check_prices(kit)
        if settings.resume is not None and not settings.dry_run and not config.option.collectonly:
            reopen(config.rootpath / DIRECTORY / kit.journal.run)
    if settings.dry_run or settings.budget_usd is None:
        _stay_alone(config)
    planning = config.stash[_KEY] = Planning(config, kit, models)
    config.pluginmanager.register(planning, "codeact-planning")


def plan_in_worker(session: pytest.Session) -> None:
    """Make the plan in a worker, which has the scenarios, and send it to the controller, which has the terminal."""
    kit = Kit.of(session.config)
    planning = Planning(session.config, kit, live_models(kit))
    rows = planning.rows_of(session.items)
    if rows:
        plan = {"rows": list(map(asdict, rows)), "counters": sorted(planning.counters)}
        send_plan(session.items[0], json.dumps(plan))


def is_cut_short(config: pytest.Config) -> bool:
    """Tell whether trials of this run were not run because it may ask no more."""
    planning = config.stash.get(_KEY, None)
    return planning is not None and bool(planning.refused)


def _stay_alone(config: pytest.Config) -> None:
    """Start no workers: nothing will run, and the estimate needs the scenarios in this process."""
    if config.getoption("dist", "no") != "no":
        config.option.dist, config.option.tx, config.option.numprocesses = "no", [], None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estimate:
    """
    What the stand-in asked in one trial.

    Attributes:
        usages: One per request, in order. None for a request whose tokens nobody could count.
    """

    usages: tuple[Usage | None, ...]


class Planning:
    """The hooks of a controller whose run asks live models, or only says what it would ask."""

    def __init__(self, config: pytest.Config, kit: Kit, models: Sequence[str]) -> None:
        self._config = config
        self._kit = kit
        self._models = models
        self._has_planner = False
        self.counters: set[str] = set()
        self.refused: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """
        Make the plan; refuse a live run of which nobody said what it may spend.

        Raises:
            pytest.UsageError: There is no budget.
        """
        if self._config.option.collectonly or not self._models:
            return
        cases = [case for item in session.items if (case := case_of(item)) and case.model in self._models]
        if not cases or self._kit.settings.dry_run or self._kit.settings.budget_usd is not None:
            return
        # The terminal has shown the plan by now.
        is_shown = self._config.pluginmanager.has_plugin("terminalreporter")
        plan = [] if is_shown else self._lines(self.rows_of(session.items))
        raise pytest.UsageError(
            "a live run needs a budget, and --codeact-budget is not given; give --codeact-budget=USD, which all "
            "workers share, or --codeact-budget=none to let it spend any sum. Nothing was sent."
            + "".join(f"\n{line}" for line in plan)
        )

    def pytest_report_collectionfinish(self, items: list[pytest.Item]) -> list[str]:
        """Show the plan, with -q too: it is money."""
        if self._config.option.collectonly or not items:
            return []
        if not self._models:
            models = ", ".join(self._kit.settings.models)
            mode = self._kit.settings.mode
            said = f"codeact plan: no live model is asked (model {models}, --codeact-mode={mode}); nothing is spent"
            return wrapped(said, self._width)
        rows = self.rows_of(items)
        return self._lines(rows) if rows else []

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Let the first worker make the plan; all of them would only make the same."""
        node.workerinput["codeact_plans"] = not self._has_planner
        self._has_planner = True

    def _show(self, plan: str) -> None:
        found = json.loads(plan)
        self.counters |= set(found["counters"])
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.ensure_newline()
            for line in self._lines([PlanRow(**row) for row in found["rows"]]):
                terminal.write_line(line)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run nothing in a dry run."""
        return True if self._kit.settings.dry_run and not session.config.option.collectonly else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the trials that were refused; show the plan that a worker made."""
        if (plan := vars(report).get(PLAN_KEY)) is not None:
            self._show(plan)
        reason = vars(report).get(REFUSED_KEY)
        if reason is not None:
            self.refused.append(reason)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Say by the exit code that trials were not run."""
        if self.refused and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = pytest.ExitCode.INTERRUPTED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show what was spent, and what was not run."""
        if self._kit.settings.dry_run:
            terminalreporter.write_line("codeact: dry run: nothing was sent and no test was run")
            return
        bill = Bill.of(self._config.rootpath / DIRECTORY / self._kit.journal.run, self._kit.settings, self.refused)
        for line in bill.lines(self._price_names()):
            for part in wrapped(line, self._width):
                terminalreporter.write_line(part)
        for part in wrapped(bill.incomplete, self._width) if bill.incomplete else []:
            terminalreporter.write_line(part, red=True)

    def _price_names(self) -> list[str]:
        rates = (rates_of(self._kit, model) for model in self._models)
        return list(dict.fromkeys(each.source for each in rates if each is not None))

    @property
    def _width(self) -> int:
        return self._config.get_terminal_writer().fullwidth

    def rows_of(self, items: Sequence[pytest.Item]) -> list[PlanRow]:
        """Make the rows: each scenario and arm is estimated once, whatever the number of models and trials."""
        gives_up_at = time.monotonic() + ESTIMATE_S
        estimates: dict[tuple[str, str], _Estimate | None] = {}
        asked: dict[tuple[str, str], list[_Estimate | None]] = {}
        for item in items:
            case = case_of(item)
            if case is None or case.model not in self._models:
                continue
            scenario = scenario_of(item, self._kit.settings)
            key = scenario.id, case.arm
            if key not in estimates:
                left_s = gives_up_at - time.monotonic()
                estimates[key] = _stand_in(self._kit, case, scenario, left_s) if left_s > 0 else None
            asked.setdefault((case.model, case.arm), []).append(estimates[key])
        self.counters |= {
            usage.counted_by
            for each in estimates.values()
            if each is not None
            for usage in each.usages
            if usage is not None and usage.counted_by
        }
        settings = self._kit.settings
        order = sorted(asked, key=lambda each: (settings.models.index(each[0]), settings.columns.index(each[1])))
        return [self._row(model, arm, asked[model, arm]) for model, arm in order]

    def _row(self, model: str, arm: str, trials: Sequence[_Estimate | None]) -> PlanRow:
        bare = PlanRow(model=model, arm=arm, trials=len(trials))
        known = [each for each in trials if each is not None]
        if len(known) < len(trials):
            return bare
        usages = [usage for each in known for usage in each.usages]
        counted = [usage for usage in usages if usage is not None]
        bare = replace(bare, requests=len(usages))
        if len(counted) < len(usages):
            return bare
        rates = rates_of(self._kit, model)
        return replace(
            bare,
            input_tokens=sum(usage.input_tokens for usage in counted),
            output_tokens=sum(usage.output_tokens for usage in counted),
            cost_usd=None if rates is None else usd(sum(rates.price(usage) or 0 for usage in counted)),
        )

    def _lines(self, rows: Sequence[PlanRow]) -> list[str]:
        total = total_of(rows)
        notes = [self._limits(), *([_RESUMED] if self._kit.settings.resume is not None else [])]
        if self.counters:
            notes.append(_HOW.format(", ".join(sorted(self.counters))))
        if total.requests is None or total.input_tokens is None or total.cost_usd is None:
            notes.append(_UNKNOWN)
        notes += [f"Prices: {name}." for name in self._price_names()]
        return render_plan(rows, notes, self._width)

    def _limits(self) -> str:
        settings = self._kit.settings
        said = {
            "no budget is given": settings.budget_usd is None,
            f"budget ${settings.budget_usd or 0:.2f}": settings.budget_usd not in (None, float("inf")),
            "any sum may be spent": settings.budget_usd == float("inf"),
            f"at most {settings.max_requests or 0:,} requests": settings.max_requests is not None,
            f"at most {settings.max_seconds or 0:g} s": settings.max_seconds is not None,
            f"{settings.rpm or 0:,} requests a minute": settings.rpm is not None,
            f"{settings.tpm or 0:,} tokens a minute": settings.tpm is not None,
        }
        return f"Limits, over all workers: {', '.join(text for text, holds in said.items() if holds)}."


def _stand_in(kit: Kit, case: Case, scenario: Scenario, left_s: float) -> _Estimate | None:
    """Run a trial with the reference model in the live one's place. None if it cannot stand in."""
    lane = Lane()
    own = replace(case, model="reference", trial=1)
    stage = Stage(kit=kit, case=own, scenario=scenario, lane=lane, slots=Slots(1))
    try:
        toolbox = stage.toolbox()
        client, arm, sandbox = stage.client(toolbox), stage.arm(), stage.sandbox()
        budget = scenario.budget(kit.settings.budget)
        trial = run_trial(
            scenario_id=scenario.id,
            prompt=scenario.prompt,
            case=own,
            arm=arm,
            provider=client,
            bench=Bench(toolbox=toolbox, final=FinalAnswer(scenario.answer), sandbox=sandbox),
            budget=replace(budget, deadline_s=min(budget.deadline_s, left_s)),
            lane=lane,
        )
    except CodeActError:
        return None
    finally:
        stage.close()
        lane.close()
    return None if trial.failure is not None else _Estimate(usages=tuple(turn.usage for turn in trial.record.turns))
