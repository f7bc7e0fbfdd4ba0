"""
What the gate says: as text, as Markdown, as JSON.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.reports import wrapped
from pytest_codeact.reports._cells import UNKNOWN, bounds, difference, figure, markdown_table, short_names, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.gate import Finding, Judgement

_TITLES: Final = ("scenario", "arm", "rule", "baseline", "now", "delta", "95 % range")

_TEXT_COLUMNS: Final = 3

_MAX_WIDTH: Final = 120


def render_judgement(judgement: Judgement, *, width: int) -> list[str]:
    """
    Give the gate's lines: one row per regression, what was refused, what could not be told, and the count.

    Args:
        judgement: What the gate found.
        width: Columns of the terminal. A table that is wider all the same is not cut but for its names.
    """
    width = min(width, _MAX_WIDTH)
    lines = table(_rows(judgement), text_columns=_TEXT_COLUMNS, width=width) if judgement.failed else []
    for text in _texts(judgement):
        lines += wrapped(text, width)
    return lines


def judgement_as_markdown(judgement: Judgement) -> list[str]:
    """Give the same as lines of Markdown."""
    rows = markdown_table(_rows(judgement), text_columns=_TEXT_COLUMNS) if judgement.failed else []
    return [*rows, *([""] if rows else []), *(f"* {text}" for text in _texts(judgement))]


def judgement_as_json(judgement: Judgement) -> dict[str, Any]:
    """Give all findings, the passed ones too, as what JSON can hold."""
    return {
        "baseline": judgement.baseline,
        "passed": judgement.is_passed,
        "findings": [
            {
                **asdict(finding),
                "rule": finding.rule.text,
                "interval": finding.interval and [finding.interval.low, finding.interval.high],
            }
            for finding in judgement.findings
        ],
        "refusals": list(judgement.refusals),
        "remarks": list(judgement.remarks),
    }


def _rows(judgement: Judgement) -> list[Sequence[str]]:
    names = short_names([finding.scenario for finding in judgement.findings if finding.scenario])
    several_models = len({finding.model for finding in judgement.findings}) > 1
    return [_TITLES, *(_row(finding, names, several_models=several_models) for finding in judgement.failed)]


def _row(finding: Finding, names: dict[str, str], *, several_models: bool) -> Sequence[str]:
    rule = finding.rule
    delta = None if finding.base is None or finding.now is None else finding.now - finding.base
    interval = bounds(rule.metric, finding.interval, finding.base, relative=rule.relative)
    return (
        names[finding.scenario] if finding.scenario else _over(finding),
        f"{finding.arm} {finding.model}" if several_models else finding.arm,
        rule.text,
        figure(rule.metric, finding.base),
        figure(rule.metric, finding.now),
        difference(rule.metric, delta, finding.base, relative=rule.relative),
        interval or ("limit alone*" if finding.p is None else UNKNOWN),
    )


def _texts(judgement: Judgement) -> list[str]:
    texts = []
    if any(finding.scenario is None for finding in judgement.failed):
        texts.append("Figures over all scenarios are the means of theirs.")
    reasons = Counter(finding.note for finding in judgement.failed if finding.interval is None and finding.p is None)
    alone = [f"{reason}: the limit alone decides" if "limit" not in reason else reason for reason in reasons]
    texts += [f"* {reason}, and equal runs may fail by chance" for reason in alone]
    texts += [f"cannot judge: {refusal}" for refusal in judgement.refusals]
    texts += _untold(judgement)
    texts += _partly_told(judgement)
    texts += judgement.remarks
    texts.append(_count(judgement))
    return texts


def _untold(judgement: Judgement) -> list[str]:
    """Say what could not be told, once per rule and arm, of rules that told something."""
    found: dict[tuple[str, str, str], Finding] = {}
    for finding in judgement.findings:
        is_refused = any(refusal.startswith(f"{finding.rule.text}: ") for refusal in judgement.refusals)
        if finding.outcome == "cannot tell" and not is_refused:
            found.setdefault((finding.rule.text, finding.arm, finding.model), finding)
    return [f"cannot tell {rule} of {arm}: {finding.note}" for (rule, arm, _), finding in found.items()]


def _partly_told(judgement: Judgement) -> list[str]:
    """Say what was judged over fewer scenarios or trials than there are, once per rule and arm."""
    found: dict[tuple[str, str, str], str] = {}
    for finding in judgement.findings:
        parts = [_over(finding)] if finding.scenarios < finding.of else []
        parts += [finding.unknown] if finding.unknown else []
        if parts and finding.outcome != "cannot tell":
            found.setdefault((finding.rule.text, finding.arm, finding.model), "; ".join(parts))
    return [f"{rule} of {arm}: {text}" for (rule, arm, _), text in found.items()]


def _over(finding: Finding) -> str:
    share = f"all {finding.of}" if finding.scenarios == finding.of else f"{finding.scenarios} of {finding.of}"
    return f"{share} scenarios"


def _count(judgement: Judgement) -> str:
    outcomes = Counter(finding.outcome for finding in judgement.findings)
    noise = sum(1 for finding in judgement.findings if finding.note == "within the noise")
    parts = [f"{outcomes['failed']} failed", f"{outcomes['passed']} passed"]
    if noise:
        parts[1] += f" ({noise} beyond the limit, within the noise)"
    if outcomes["cannot tell"]:
        parts.append(f"{outcomes['cannot tell']} cannot be told")
    if judgement.refusals:
        parts.append(f"{len(judgement.refusals)} not judged")
    verdict = "passed" if judgement.is_passed else "failed"
    return f"gate {verdict}: {', '.join(parts)}; baseline {judgement.baseline}"
