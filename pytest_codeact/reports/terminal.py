"""
The table at the end of a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_codeact.reports import wrapped
from pytest_codeact.reports._cells import UNKNOWN, short_names, table, usd_decimals
from pytest_codeact.reports.arms import compare_arms, pass_hats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_codeact.measure import Mean, Metric, Pool

_MAX_WIDTH: Final = 100

_HELD_BY_KERNEL: Final = "B"
"""The least level at which a program is held by more than its interpreter."""

_REFERENCE: Final = (
    "These figures come from the reference policy, a program that follows each scenario's solution. They are "
    "evidence about the harness and the formats and say nothing about an LLM."
)

_STOOD_IN: Final = (
    "It ran in place of {models}, which this run neither asks nor replays; --codeact-budget=USD lets a run ask."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableNotes:
    """
    What must be said with the figures.

    Attributes:
        reference: Whether the reference policy made some of them.
        stood_in_for: Models that were asked for and that the reference policy ran in the place of.
        tokenizers: Names of the tokenizers by which tokens were counted here. Empty if all were billed.
        advice: What to do about figures that are missing, in lines that are shown as they are. "" for nothing.
    """

    reference: bool = False
    stood_in_for: tuple[str, ...] = ()
    tokenizers: tuple[str, ...] = ()
    advice: str = ""


def sandbox_warning(level: str) -> str:
    """
    Say what it means that programs were held badly. "" if they were held well.

    Args:
        level: The least level of a run's trials, as of `runtimes.Level`. "" if none ran programs.
    """
    if level <= _HELD_BY_KERNEL:
        return ""
    return (
        f"Programs were held at level {level}: only their interpreter kept them from files and network. Do not run a "
        "model's programs so on a machine that matters; see docs/sandbox.md, and refuse it with "
        "--codeact-sandbox-min=B."
    )


def render_table(
    pools: Sequence[Pool], metrics: Sequence[Metric], *, base: str, control: str, width: int, notes: TableNotes
) -> list[str]:
    """
    Give the table: a row per scenario and arm, the totals per arm; then every arm beside the base arm.

    Figures are means per trial. A total sums the scenarios' means, so it is that of one trial of each scenario;
    a rate is pooled over all trials.

    Args:
        pools: One per scenario, arm and model, in the order in which they are shown.
        metrics: The columns.
        base: Name of the arm that the others are compared with.
        control: Name under which the base arm was run a second time, if it was.
        width: Columns of the terminal. With the default columns the table uses at most 100 of them.
        notes: What is said below it.
    """
    layout = _Layout(pools, metrics)
    width = min(width, _MAX_WIDTH)
    lines = table([layout.heading(), *layout.body(), [], *layout.totals()], width=width, text_columns=2)
    for caption, block in layout.blocks(base, control):
        lines += ["", *([caption] if caption else []), *table(block, width=width, text_columns=1)]
    lines.append("")
    for note in layout.footnotes(notes):
        lines += wrapped(note, width)
    # Not wrapped: it may hold a command to copy.
    return lines + notes.advice.splitlines()


class _Layout:
    """The cells of one table."""

    def __init__(self, pools: Sequence[Pool], metrics: Sequence[Metric]) -> None:
        self._pools = pools
        self._metrics = metrics
        self._models = list(dict.fromkeys(pool.model for pool in pools))
        self._arms = list(dict.fromkeys(pool.arm for pool in pools))
        self._errors = any(pool.error_count for pool in pools)
        self._labels = short_names([pool.scenario for pool in pools])
        self._formats = {metric.name: _format_for(metric, pools) for metric in metrics}
        self._partial = False
        self._notes: list[str] = []

    def heading(self) -> list[str]:
        return [
            "scenario",
            "arm",
            *(["error"] if self._errors else []),
            *(f.title for f in self._formats.values()),
        ]

    def body(self) -> list[list[str]]:
        rows, last = [], ""
        for pool in self._pools:
            label = self._labels[pool.scenario]
            errors = [str(pool.error_count)] if self._errors else []
            cells = [self._cell(metric, [pool]) for metric in self._metrics]
            rows.append([label if label != last else "", self._arm(pool.arm, pool.model), *errors, *cells])
            last = label
        return rows

    def totals(self) -> list[list[str]]:
        rows: list[list[str]] = []
        for arm, model, group in self._groups():
            errors = [str(sum(pool.error_count for pool in group))] if self._errors else []
            cells = [self._cell(metric, group) for metric in self._metrics]
            rows.append(["" if rows else "total", self._arm(arm, model), *errors, *cells])
        return rows

    def blocks(self, base: str, control: str) -> list[tuple[str, list[list[str]]]]:
        """Give what compares arms: the model where there are several, and the cells of a table."""
        groups = {(arm, model): group for arm, model, group in self._groups()}
        found: list[tuple[str, list[list[str]]]] = []
        for (arm, model), group in groups.items():
            if arm in (base, control) or (base, model) not in groups:
                continue
            block = compare_arms(
                f"{arm} vs {base}", groups[base, model], group, groups.get((control, model), []), self._metrics
            )
            found.append((model if len(self._models) > 1 else "", block.rows))
            self._notes += block.notes
        hats = pass_hats([(self._arm(arm, model), group) for arm, model, group in self._groups()])
        return [*found, *([("", hats)] if hats else [])]

    def footnotes(self, notes: TableNotes) -> list[str]:
        lines = []
        if self._partial:
            lines.append("* over those scenarios and trials only that know the figure")
        if any(len(pool.trials) > 1 for pool in self._pools):
            lines.append("Figures are means per trial; a total is that of one trial of each scenario.")
        lines += dict.fromkeys(self._notes)
        if self._errors:
            lines.append("Trials that ended in an error are counted under 'error' and are in no other figure.")
        if notes.tokenizers:
            lines.append(f"Tokens counted here by {', '.join(notes.tokenizers)}, not billed.")
        if notes.reference:
            lines.append(_REFERENCE)
        if notes.stood_in_for:
            lines.append(_STOOD_IN.format(models=", ".join(notes.stood_in_for)))
        return lines

    def _groups(self) -> list[tuple[str, str, list[Pool]]]:
        return [
            (arm, model, group)
            for model in self._models
            for arm in self._arms
            if (group := [pool for pool in self._pools if (pool.arm, pool.model) == (arm, model)])
        ]

    def _arm(self, arm: str, model: str) -> str:
        return arm if len(self._models) == 1 else f"{arm} {model}"

    def _cell(self, metric: Metric, group: Sequence[Pool]) -> str:
        if metric.name == "success":
            return f"{sum(p.success_count for p in group)}/{sum(len(p.trials) for p in group)}"
        means = [pool.mean(metric) for pool in group if pool.trials]
        value = _combined(metric, means)
        if value is None:
            return UNKNOWN
        partial = len(means) < len(group) or any(mean.known < mean.of for mean in means)
        self._partial |= partial
        return self._formats[metric.name].text(value) + ("*" if partial else "")


def _combined(metric: Metric, means: Sequence[Mean]) -> float | None:
    known = [mean.value for mean in means if mean.value is not None]
    if not known:
        return None
    return sum(known) if metric.summed else sum(known) / len(known)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    """How a column shows its figures."""

    title: str
    text: Callable[[float], str]


def _format_for(metric: Metric, pools: Sequence[Pool]) -> _Format:
    largest = max((pool.mean(metric).value or 0 for pool in pools), default=0)
    if metric.unit == "USD":
        decimals = usd_decimals(largest)
        return _Format(title=f"{metric.title} USD", text=lambda value: f"{value:,.{decimals}f}")
    if metric.unit == "s":
        if largest < 1:
            return _Format(title=f"{metric.title} ms", text=lambda value: f"{value * 1e3:,.1f}")
        return _Format(title=f"{metric.title} s", text=lambda value: f"{value:,.2f}")
    if metric.summed:
        return _Format(
            title=metric.title, text=lambda value: f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
        )
    return _Format(title=metric.title, text=lambda value: f"{value:.2f}")
