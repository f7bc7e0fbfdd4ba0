"""
The figures of one trial: what a metric is, and the built-in ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pytest_codeact.errors import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_codeact.records import TrialRecord, Turn, Usage


_LARGEST: Final = 1e100
"""Size from which on a figure is no measurement. Squares of what is below it are numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """
    One figure of a trial.

    Attributes:
        name: Its name; ends in its unit where it has one.
        title: Heading of its table column.
        unit: The unit, singular: "s", "token", "byte", "round trip", "call", "USD"; "" for a ratio.
        value: The figure of one record. None if it is unknown or undefined there.
        stored: Whether it is an entry of its own in pytest-benchmark storage. Only for figures that cannot
            be 0: a baseline of 0 always fails pytest-benchmark's percentage checks.
        summed: Whether a sum over trials means something; a rate or a ratio is averaged instead.
        better: Which way is an improvement.
        binary: Whether it is 0 or 1 in every trial, as success is: its mean is a rate, which has exact tests and an
            interval of its own. It is not summed then.
    """

    name: str
    title: str
    unit: str
    value: Callable[[TrialRecord], float | None]
    stored: bool = False
    summed: bool = True
    better: Literal["lower", "higher"] = "lower"
    binary: bool = False


def as_known(figure: float | None) -> float | None:
    """Give a figure; None if it is no measurement: not finite, or 1e100 and more in size."""
    return figure if figure is not None and abs(figure) < _LARGEST else None


def faults(metrics: Iterable[Metric], records: Sequence[TrialRecord]) -> dict[str, str]:
    """
    Try every metric on every record.

    Returns:
        Per metric that raised, or gave neither None nor a finite number below 1e100: what it did.
    """
    found: dict[str, str] = {}
    for metric in metrics:
        for record in records:
            try:
                value: object = metric.value(record)
            except Exception as error:  # noqa: BLE001 - a metric may be anybody's
                found.setdefault(metric.name, describe(error))
                continue
            if value is not None and not isinstance(value, int | float):
                found.setdefault(metric.name, f"TypeError: it gave {value!r:.80}, which is neither a number nor None")
            elif as_known(value) != value:
                found.setdefault(
                    metric.name, f"ValueError: it gave {value!r:.80}, which is no finite number below 1e100"
                )
    return found


def tokenizers(records: Iterable[TrialRecord]) -> tuple[str, ...]:
    """Give the names of the tokenizers by which tokens were counted here, sorted. Empty if all were billed."""
    turns = (turn for record in records for turn in record.turns)
    return tuple(sorted({turn.usage.counted_by for turn in turns if turn.usage and turn.usage.counted_by}))


def _billed(figure: Callable[[Usage], float | None]) -> Callable[[TrialRecord], float | None]:
    """Sum a figure of the usage over the turns. One turn without it makes the sum unknown."""

    def value(record: TrialRecord) -> float | None:
        total = 0.0
        for turn in record.turns:
            part = None if turn.usage is None else figure(turn.usage)
            if part is None:
                return None
            total += part
        return total if record.turns else None

    return value


def _per_turn(figure: Callable[[Turn], float]) -> Callable[[TrialRecord], float]:
    return lambda record: sum(figure(turn) for turn in record.turns)


def _suppression(record: TrialRecord) -> float | None:
    total = sum(call.result_bytes for call in record.calls)
    return 1 - sum(turn.visible_result_bytes for turn in record.turns) / total if total else None


def _first_try(record: TrialRecord) -> float | None:
    statuses = [status for turn in record.turns for status in turn.code_statuses]
    return float(statuses[0] in ("ok", "final")) if statuses else None


def _denied_rate(record: TrialRecord) -> float | None:
    statuses = [status for turn in record.turns for status in turn.code_statuses]
    return statuses.count("denied") / len(statuses) if statuses else None


def _code_errors(record: TrialRecord) -> float:
    statuses = [status for turn in record.turns for status in turn.code_statuses]
    return sum(1 for status in statuses if status not in ("ok", "final"))


METRICS: Final = (
    Metric(
        name="success",
        title="ok",
        unit="",
        value=lambda record: None if record.success is None else float(record.success),
        summed=False,
        better="higher",
        binary=True,
    ),
    Metric(name="round_trips", title="trips", unit="round trip", value=lambda r: len(r.turns), stored=True),
    Metric(name="tool_calls", title="calls", unit="call", value=lambda r: len(r.calls)),
    Metric(
        name="input_tokens",
        title="tok in",
        unit="token",
        value=_billed(lambda usage: usage.input_tokens),
        stored=True,
    ),
    Metric(
        name="output_tokens",
        title="tok out",
        unit="token",
        value=_billed(lambda usage: usage.output_tokens),
        stored=True,
    ),
    Metric(
        name="tokens",
        title="tokens",
        unit="token",
        value=_billed(lambda usage: usage.input_tokens + usage.output_tokens),
        stored=True,
    ),
    Metric(
        name="cached_input_tokens",
        title="cached",
        unit="token",
        value=_billed(lambda usage: usage.cached_input_tokens),
        better="higher",
    ),
    Metric(name="cost_usd", title="cost", unit="USD", value=_billed(lambda usage: usage.cost_usd)),
    Metric(
        name="latency_s",
        title="latency",
        unit="s",
        value=_per_turn(lambda turn: turn.model_s + turn.action_s),
        stored=True,
    ),
    Metric(name="model_s", title="model", unit="s", value=_per_turn(lambda turn: turn.model_s)),
    Metric(name="action_s", title="action", unit="s", value=_per_turn(lambda turn: turn.action_s)),
    Metric(name="waited_s", title="waited", unit="s", value=_per_turn(lambda turn: turn.waited_s)),
    Metric(
        name="tool_result_bytes",
        title="B result",
        unit="byte",
        value=lambda record: sum(call.result_bytes for call in record.calls),
    ),
    Metric(
        name="visible_result_bytes",
        title="B visible",
        unit="byte",
        value=_per_turn(lambda turn: turn.visible_result_bytes),
    ),
    Metric(
        name="suppression",
        title="suppressed",
        unit="",
        value=_suppression,
        summed=False,
        better="higher",
    ),
    Metric(name="code_errors", title="code err", unit="", value=_code_errors),
    Metric(name="denied_rate", title="denied", unit="", value=_denied_rate, summed=False),
    Metric(
        name="first_try",
        title="1st try",
        unit="",
        value=_first_try,
        summed=False,
        better="higher",
        binary=True,
    ),
)
"""
The built-in metrics, in table order. Definitions, per trial:

* success: 1 if the validator passed the trial.
* round_trips: model requests that got a reply.
* tool_calls: tool executions, failed ones included; `final_answer` is none.
* input_tokens, output_tokens, tokens: billed tokens over the turns; input includes cache reads and writes.
* cached_input_tokens: the part of the input read from the provider's prompt cache.
* cost_usd: what the requests cost, each as the client priced it; None if one is not priced.
* latency_s: model_s + action_s. Not in it: waited_s, the retry back-off, and what happens once before the first turn,
  making the model's client and starting the sandbox.
* tool_result_bytes: UTF-8 bytes of all tool results, error texts included.
* visible_result_bytes: UTF-8 bytes of results, program output and error texts that the model was shown.
* suppression: 1 - visible_result_bytes / tool_result_bytes; None when no bytes were returned.
* code_errors: programs that ended in an error shown to the model.
* denied_rate: share of the programs that ended because a rule of the sandbox forbade something; None when no program
  ran. A denial of honest code is the sandbox's fault, not the model's.
* first_try: 1 if the first program ran without error; None when no program ran.
"""
