"""Two stored runs, compared."""

from __future__ import annotations

from runs_of import sample, stored_run, tokens

from pytest_codeact.comparison import compare_runs
from pytest_codeact.measure import METRICS, compare

TOKENS, LATENCY = (next(each for each in METRICS if each.name == name) for name in ("tokens", "latency_s"))


def test_arms_are_compared_with_themselves() -> None:
    """Each arm and metric of the later run is compared with the earlier one's, as trials that are no pairs."""
    base, now = (
        stored_run(*(sample("one", {"tokens": [n] * 5}, arm=arm) for arm, n in arms))
        for arms in ((("direct", 10), ("code", 5)), (("code", 6), ("direct", 10)))
    )

    compared = compare_runs(base, now, [TOKENS])

    assert [(part.arm, part.metric.name) for part in compared.parts] == [("code", "tokens"), ("direct", "tokens")]
    assert compared.parts[0].comparison == compare(base.samples[1:], now.samples[:1], TOKENS, paired=False)
    assert (compared.refusals, compared.remarks) == ((), ())


def test_refusals_leave_the_rest() -> None:
    """A metric, or an arm, that cannot be compared is said; the others are."""
    values = {"tokens": [1.0], "latency_s": [1.0]}
    base = stored_run(sample("one", values), worker_count=2)
    now = stored_run(sample("one", values), sample("one", values, arm="new"))

    compared = compare_runs(base, now, [TOKENS, LATENCY])

    assert [(part.arm, part.metric.name) for part in compared.parts] == [("code", "tokens")]
    assert compared.refusals == (
        "latency_s depends on how many trials run at a time: the baseline ran with 2 workers and concurrency 1, this "
        "run with no workers and concurrency 1; run with the same",
        "the baseline has no trial of arm 'new' with model 'acme/one'; it has: 'code' with 'acme/one'",
    )


def test_unlike_modes_are_not_compared() -> None:
    """A live run says nothing of an offline one."""
    compared = compare_runs(tokens({"one": [1]}, mode="reference"), tokens({"one": [1]}), [TOKENS])

    assert compared.parts == ()
    assert len(compared.refusals) == 1


def test_failed_run_is_compared_and_said() -> None:
    """To look at a run of which a scenario failed is no gate: it is compared, with a remark."""
    compared = compare_runs(tokens({"one": [1], "two": [1]}, failed=("one",)), tokens({"one": [1]}), [TOKENS])

    assert len(compared.parts) == 1
    assert [each.split(",")[0] for each in compared.remarks] == [
        "in the baseline one failed",
        "not in this run: test_a.py::test_two",
    ]


def test_errors_and_interruption_are_said() -> None:
    """A comparison says what it cannot see: trials that ended in an error in either run, and an early end."""
    base = stored_run(sample("one", {"tokens": [1] * 5}, errors=1))

    compared = compare_runs(base, tokens({"one": [1] * 5}, interrupted=True), [TOKENS])

    assert compared.remarks == (
        "this run was interrupted: what it did not reach is not judged; run it to its end",
        "arm 'code' with model 'acme/one': 0 of 5 trials of this run ended in an error (1 of 6 of the baseline's); "
        "they are in no figure",
    )
