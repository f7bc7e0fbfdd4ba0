"""
What the gate found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from pytest_codeact.gate._rule import Rule
    from pytest_codeact.measure import Interval

Outcome: TypeAlias = Literal["passed", "failed", "cannot tell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One rule, judged for one arm and model in one scenario, or over all that both runs have.

    Attributes:
        rule: The rule.
        arm: Name of the arm.
        model: PROVIDER/MODEL, or "reference".
        scenario: Id of the scenario. None for all together.
        scenarios: How many scenarios it is about: where noise is asked those that tell it, else those that know the
            figure.
        of: How many scenarios it would be about if all did.
        base: The baseline's figure; over all scenarios the mean of theirs. None if it is unknown.
        now: This run's figure.
        interval: 95 % interval of `now - base`, over the trials. None where it is not beyond the limit or a scenario
            has too few trials.
        p: Chance of such a difference, or a greater one, were there none. None where the limit alone decides.
        outcome: What came of it.
        note: Why it cannot be told, or why the limit alone decides. "" for nothing.
        unknown: How many trials know the figure, if not all do and it is judged all the same. "" for all.
    """

    rule: Rule
    arm: str
    model: str
    scenario: str | None
    scenarios: int
    of: int
    base: float | None
    now: float | None
    interval: Interval | None
    p: float | None
    outcome: Outcome
    note: str
    unknown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    What the gate found.

    Attributes:
        baseline: Name of the baseline.
        findings: Every rule, per arm, model and scenario.
        refusals: What was asked for and could not be judged, a sentence each. A gate with some does not pass.
        remarks: What must be said with it, a sentence each.
    """

    baseline: str
    findings: tuple[Finding, ...]
    refusals: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The regressions."""
        return tuple(finding for finding in self.findings if finding.outcome == "failed")

    @property
    def is_passed(self) -> bool:
        """Whether nothing failed and nothing was refused."""
        return not self.failed and not self.refusals
