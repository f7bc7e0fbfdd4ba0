"""
How a trial ends, per fault of the emulator's and provider: the expectations of tests/test_live_faults.py.

`python tests/live_faults_table.py > docs/live-faults.md` writes them as a page.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROVIDERS = ("anthropic", "openai", "mistral", "google")
NAMES = {"anthropic": "Anthropic", "openai": "OpenAI", "mistral": "Mistral", "google": "Gemini"}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """
    How a trial ends in which a fault happens.

    Attributes:
        ends: "repaired": it goes on and is right in the end. "failed": the model's doing. "error": not the model's.
        statuses: HTTP status of each attempt that failed, in order; None where none came.
        says: What the first failed attempt says; of a repair that the model makes, what it is shown; of a wrong answer,
            the answer. "..." stands for any text, PROVIDER for the provider's name. "" where nothing is said.
        turns: Round trips more than without the fault, of a trial that is repaired.
        failed_calls: Tool calls in its journal that failed.
        is_billed: Whether failed attempts are paid for; None where nobody knows: each then counts as the most that it
            may have cost.
    """

    ends: Literal["repaired", "failed", "error"]
    statuses: tuple[int | None, ...] = ()
    says: str = ""
    turns: int = 0
    failed_calls: int = 0
    is_billed: bool | None = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    One fault.

    Attributes:
        fault: As it is ordered.
        end: How the trial ends.
        unlike: The same for providers with which it ends otherwise.
        arm: The arm.
        at: When it happens: once, with the first request or in the model's second turn, or with every request.
        why: Why providers differ. "" if they do not, or it is plain.
    """

    fault: str
    end: End
    unlike: Mapping[str, End] = field(default_factory=dict)
    arm: str = "direct"
    at: tuple[str, ...] = ("first", "turn 2")
    why: str = ""

    def end_of(self, provider: str) -> End:
        """Give how the trial ends with a provider."""
        return self.unlike.get(provider, self.end)


UNHARMED = End(ends="repaired")
SILENT = End(ends="failed")


def _refused(status: int, says: str) -> End:
    return End(ends="error", statuses=(status,), says=f"PROVIDER answered {status}: ...{says}")


def _lasting(status: int, says: str) -> End:
    return replace(_refused(status, says), statuses=(status,) * 6)


def _busy(status: int, says: str) -> End:
    return replace(_refused(status, says), ends="repaired")


def _passing(status: int | None, says: str, *, is_billed: bool | None) -> End:
    return End(ends="repaired", statuses=(status,), says=says, is_billed=is_billed)


def _two(first: End, second: End) -> dict[str, End]:
    """Give the ends with the SDKs of Anthropic and OpenAI, and with those of Mistral and Google."""
    return {"anthropic": first, "openai": first, "mistral": second, "google": second}


_LOST = "PROVIDER at http://127.0.0.1:... "
_HANG = _two(
    _passing(
        None,
        f"{_LOST}sent nothing for 0.6 s; if it only needs longer, allow more with --codeact-request-timeout",
        is_billed=None,
    ),
    _passing(
        None,
        "PROVIDER sent nothing for 0.6 s (ReadTimeout); allow more with --codeact-request-timeout",
        is_billed=None,
    ),
)
_CUT = _two(
    _passing(None, f"{_LOST}cut the connection before its answer was whole (...)", is_billed=None),
    _passing(None, "the connection to PROVIDER failed before the whole reply had come: ...", is_billed=None),
)
_GARBLED = _passing(200, "PROVIDER answered 200 with application/json that is no JSON: ...", is_billed=None)
_PAGE = End(
    ends="error",
    statuses=(200,),
    says="PROVIDER answered 200 with text/html that is no JSON: ...; check --codeact-base-url",
    is_billed=None,
)
_EMPTY = _passing(200, "the reply of PROVIDER holds no ...; the request's id is ...", is_billed=True)
_NO_CHOICES = _passing(200, "PROVIDER sent a reply without choices", is_billed=True)
_NO_JSON = End(
    ends="repaired",
    turns=1,
    failed_calls=1,
    says="invalid arguments for '...': expected a JSON object, got the text, which is not valid JSON, ...",
)

ROWS = (
    Row(fault="400", end=_refused(400, "the request is not valid")),
    Row(fault="401", end=_refused(401, "the API key is not valid; check the key and what it may do")),
    Row(fault="403", end=_refused(403, "does not have permission; check the key and what it may do")),
    Row(fault="404", end=_refused(404, "there is no such model; check the name of the model and --codeact-base-url")),
    Row(fault="413", end=_refused(413, "exceeds the maximum size; the request is too large: offer fewer tools, ...")),
    Row(fault="429", end=_busy(429, "the rate limit is exceeded")),
    Row(fault="429:retry-after=7", end=_busy(429, "the rate limit is exceeded")),
    Row(fault="429:retry-after=301", end=_refused(429, "more than 300 s are not waited; run again later")),
    Row(fault="429", end=_lasting(429, "the rate limit is exceeded"), at=("every",)),
    Row(fault="500", end=_busy(500, "internal server error")),
    Row(fault="500", end=_lasting(500, "internal server error"), at=("every",)),
    Row(fault="502", end=_busy(502, "502 bad gateway...")),
    Row(fault="503", end=_busy(503, "the service is unavailable")),
    Row(fault="529", end=_busy(529, "the service is overloaded")),
    Row(fault="529", end=_lasting(529, "the service is overloaded"), at=("every",)),
    Row(fault="hang", end=_HANG["google"], unlike=_HANG),
    Row(fault="slow:bytes=200,pause=0.001", end=UNHARMED),
    Row(fault="cut", end=_CUT["google"], unlike=_CUT),
    Row(fault="malformed-json", end=_GARBLED),
    Row(fault="wrong-content-type", end=_PAGE),
    Row(
        fault="empty",
        end=_EMPTY,
        unlike={"anthropic": SILENT, "openai": _NO_CHOICES},
        why="Anthropic's message is the body itself: without content it is a message that says nothing. Where choices "
        "or candidates are missing, there is no message.",
    ),
    Row(
        fault="empty",
        end=replace(_EMPTY, ends="error", statuses=(200,) * 6),
        unlike={"anthropic": SILENT, "openai": replace(_NO_CHOICES, ends="error", statuses=(200,) * 6)},
        at=("every",),
    ),
    Row(fault="silent", end=SILENT),
    Row(
        fault="refusal",
        end=SILENT,
        unlike={"mistral": End(ends="failed", says="I can't help with that.")},
        why="Mistral has no form for it: the words are an answer, and a wrong one.",
    ),
    Row(fault="content-filter", end=SILENT),
    Row(fault="max-tokens-call", end=SILENT),
    Row(fault="max-tokens-program", end=SILENT, arm="code", at=("first",)),
    Row(
        fault="broken-arguments",
        end=_NO_JSON,
        unlike={"google": End(ends="repaired", turns=1)},
        at=("first",),
        why="Gemini hands over the calls before the one that it could not read; the model makes that one anew.",
    ),
    Row(fault="broken-arguments", end=_NO_JSON, at=("turn 2",)),
    Row(fault="duplicate-ids", end=UNHARMED),
    Row(fault="missing-ids", end=UNHARMED),
    Row(
        fault="unknown-tool",
        end=End(ends="repaired", turns=1, failed_calls=1, says="unknown tool '..._nope'..."),
    ),
    Row(fault="mixed", end=UNHARMED),
    Row(fault="usage:cached=40,written=20,reasoning=3", end=UNHARMED),
)


_HEAD = """\
# How a trial ends when a live model's server misbehaves

Made by `python tests/live_faults_table.py`; do not edit. Each line is a test of `tests/test_live_faults.py` for each of
the vendors that it names: a trial of three turns (in the arm `code`: of one) by the vendor's own SDK, the adapter, the
retry policy and the gate of money, against the [emulator](emulator.md), which makes the fault.

* **repaired**: the trial goes on, and its answer and end state are right. What failed is sent again by the policy,
  which is no round trip; or the model is shown its mistake and mends it, which is one more.
* **failed**: the model's doing. It is in every mean, without an answer (`no_answer`) if nothing else is said.
* **error**: not the model's doing. It is counted, shown and in no mean.

"Attempts" are those that failed, by status; a dash stands for no status. Each is in the record with its words, its
seconds and the wait after it; `waited_s` holds all of that, and `latency_s` none of it. "Money" is what the failed
attempts cost: nothing; what their usage says ("priced"); or, where nobody knows whether they are billed, the most that
they may have cost ("worst case"), which is named at the end of the run. It counts against the budget and is in the
run's bill; a trial's `cost_usd` is that of its replies, each priced by its tokens.

| fault | with | vendors | trial | attempts | money | what is said |
|---|---|---|---|---|---|---|
"""

_MOMENTS = {"first": "the first request", "turn 2": "a later turn", "every": "every request"}
_MONEY = {False: "nothing", True: "priced", None: "worst case"}


def page() -> str:
    """Write the table as a page of the docs."""
    lines = [line for row in ROWS for line in _lines(row)]
    reasons = [f"* `{row.fault}`: {row.why}\n" for row in ROWS if row.why]
    return _HEAD + "\n".join(lines) + "\n\nWhere vendors differ:\n\n" + "".join(reasons)


def _lines(row: Row) -> Iterator[str]:
    when = " or ".join(_MOMENTS[at] for at in row.at) + (", arm `code`" if row.arm == "code" else "")
    ends = [row.end_of(each) for each in PROVIDERS]
    for end in dict.fromkeys(ends):
        vendors = [NAMES[each] for each in PROVIDERS if row.end_of(each) == end]
        named = "all" if len(vendors) == len(PROVIDERS) else ", ".join(vendors)
        cells = [f"`{row.fault}`", when, named, _trial(end), _attempts(end), _money(end), _said(end)]
        yield f"| {' | '.join(cells)} |"


def _trial(end: End) -> str:
    if end == UNHARMED:
        return "right, as without the fault"
    if end.turns:
        return f"{end.ends}, {end.turns} round trip more"
    return f"{end.ends}: a wrong answer" if end.ends == "failed" and end.says else end.ends


def _attempts(end: End) -> str:
    counted = [(status, len(list(same))) for status, same in groupby(end.statuses)]
    return ", ".join(f"{status or '-'}" + (f" x {count}" if count > 1 else "") for status, count in counted)


def _money(end: End) -> str:
    return _MONEY[end.is_billed] if end.statuses else ""


def _said(end: End) -> str:
    return f"`{end.says}`" if end.says else ""


def pattern_of(end: End, provider: str) -> re.Pattern[str]:
    """Give what the whole of a text must match that an end's `says` describes."""
    pieces = end.says.replace("PROVIDER", provider).split("...")
    return re.compile(".*".join(map(re.escape, pieces)), re.DOTALL)


def cases() -> Iterator[tuple[Row, str, str]]:
    """Give every row, moment and provider."""
    for row in ROWS:
        for at in row.at:
            for provider in PROVIDERS:
                yield row, at, provider


if __name__ == "__main__":
    sys.stdout.write(page())
