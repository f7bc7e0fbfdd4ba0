"""
Two runs compared: as text, as Markdown, as JSON.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.reports import wrapped
from pytest_codeact.reports._cells import UNKNOWN, bounds, difference, figure, markdown_table, short_names, span, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_codeact.comparison import ArmComparison, RunComparison
    from pytest_codeact.measure import Delta, Estimate, Metric

_SUMMARY_TITLES: Final = (
    "all scenarios",
    "base",
    "now",
    "change",
    "95 % range",
    "median",
    "drop one",
    "per ok",
    "verdict",
)

_SCENARIO_TITLES: Final = ("scenario", "metric", "base", "now", "change", "95 % range", "trials", "verdict")

_LEGEND: Final = (
    "Figures are means per trial; over all scenarios they are summed, or averaged where a sum means nothing. Change is "
    "the ratio of the sums; median, that of the scenarios' ratios; drop one, the ratio's range with any one scenario "
    "left out; per ok, the ratio of what one correct answer takes, failed trials included. Trials are "
    "those of base/now that know the figure."
)


def render_comparison(compared: RunComparison, *, width: int) -> list[str]:
    """
    Give the comparison's lines: per arm the summaries of every metric, then its scenarios.

    Args:
        compared: Two runs.
        width: Columns of the terminal. A table that is wider all the same is not cut but for its names.
    """
    lines = [f"base: {compared.base}", f"now:  {compared.now}"]
    for title, summaries, scenarios in _groups(compared):
        lines += ["", title, *table(summaries, text_columns=1, width=width), ""]
        lines += table(scenarios, text_columns=2, width=width)
    texts = _texts(compared)
    lines += [""] if texts else []
    for text in texts:
        lines += wrapped(text, width)
    return lines


def comparison_as_markdown(compared: RunComparison) -> list[str]:
    """Give the same as lines of Markdown."""
    lines = [f"`{compared.base}` → `{compared.now}`"]
    for title, summaries, scenarios in _groups(compared):
        lines += ["", f"### {title}", "", *markdown_table(summaries, text_columns=1)]
        lines += ["", *markdown_table(scenarios, text_columns=2)]
    texts = _texts(compared)
    return [*lines, *([""] if texts else []), *(f"* {text}" for text in texts)]


def comparison_as_json(compared: RunComparison) -> dict[str, Any]:
    """Give every number, as what JSON can hold."""
    return {
        "base": compared.base,
        "now": compared.now,
        "mode": {"base": compared.base_mode, "now": compared.now_mode},
        "comparisons": [{"arm": part.arm, "model": part.model, **asdict(part.comparison)} for part in compared.parts],
        "refusals": list(compared.refusals),
        "remarks": list(compared.remarks),
    }


def _groups(compared: RunComparison) -> list[tuple[str, list[Sequence[str]], list[Sequence[str]]]]:
    """Give per arm and model its title, the rows of its summaries and those of its scenarios."""
    names = short_names([delta.scenario for part in compared.parts for delta in part.comparison.deltas])
    found = []
    for arm, model in dict.fromkeys((part.arm, part.model) for part in compared.parts):
        parts = [part for part in compared.parts if (part.arm, part.model) == (arm, model)]
        summaries = [_SUMMARY_TITLES, *(_summary(part) for part in parts)]
        rows: list[Sequence[str]] = [_SCENARIO_TITLES]
        for deltas in zip(*(part.comparison.deltas for part in parts), strict=True):
            rows += [
                (names[delta.scenario] if place == 0 else "", *_delta(part.metric, delta))
                for place, (part, delta) in enumerate(zip(parts, deltas, strict=True))
            ]
        found.append((f"arm {arm}, model {model}", summaries, rows))
    return found


def _summary(part: ArmComparison) -> Sequence[str]:
    summary, metric = part.comparison.summary, part.metric
    is_ratio = summary.total.value is not None
    changed = summary.total if is_ratio else summary.delta
    shown: Callable[[float], str] = _percent if is_ratio else (lambda value: figure(metric, value, signed=True))
    return (
        metric.name,
        figure(metric, summary.base),
        figure(metric, summary.now),
        _value(changed, shown),
        "" if changed.interval is None else span(shown(changed.interval.low), shown(changed.interval.high)),
        _value(summary.median, _percent) if metric.summed else "",
        span(*map(_percent, summary.leave_one_out)) if summary.leave_one_out else "",
        _value(summary.per_correct, _percent) if metric.summed else "",
        summary.verdict,
    )


def _delta(metric: Metric, delta: Delta) -> Sequence[str]:
    return (
        metric.name,
        figure(metric, delta.base),
        figure(metric, delta.now),
        difference(metric, delta.delta, delta.base, relative=metric.summed),
        bounds(metric, delta.interval, delta.base, relative=metric.summed),
        f"{delta.base_trials}/{delta.now_trials}",
        delta.verdict,
    )


def _value(estimate: Estimate, shown: Callable[[float], str]) -> str:
    return UNKNOWN if estimate.value is None else shown(estimate.value)


def _percent(ratio: float) -> str:
    return f"{ratio - 1:+.1%}"


def _texts(compared: RunComparison) -> list[str]:
    notes: dict[str, list[str]] = {}
    for part in compared.parts:
        summary = part.comparison.summary
        if 0 < summary.scenarios < summary.of:
            partial = f"compared over {summary.scenarios} of {summary.of} scenarios: those that both runs know"
            notes.setdefault(f"{partial} of arm {part.arm!r}", []).append(part.metric.name)
        if summary.note:
            notes.setdefault(summary.note, []).append(part.metric.name)
    return [
        *([_LEGEND] if compared.parts else []),
        *(f"{', '.join(dict.fromkeys(metrics))}: {note}" for note, metrics in notes.items()),
        *(f"cannot compare: {refusal}" for refusal in compared.refusals),
        *compared.remarks,
    ]
