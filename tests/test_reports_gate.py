"""What the gate says."""

from __future__ import annotations

import json

from runs_of import sample, stored_run, tokens

from pytest_codeact.gate import Judgement, Rule, judge
from pytest_codeact.measure import METRICS
from pytest_codeact.reports.gate import judgement_as_json, judgement_as_markdown, render_judgement


def judged(*rules: str, few: bool = False) -> Judgement:
    """Judge a planted rise of 20 % in one of two scenarios."""
    count = 2 if few else 5
    base = tokens({"one": [1000] * count, "two": [500] * count})
    now = tokens({"one": [1200] * count, "two": [500] * count})
    return judge(base, now, [Rule.parse(rule, METRICS) for rule in rules], own_rules={}, on_noise=False)


def test_regression_is_a_row() -> None:
    """A row has scenario, arm, rule, both figures, the change and its interval; the count comes last."""
    assert render_judgement(judged("tokens:mean:5%"), width=100) == [
        "scenario         arm   rule            baseline    now   delta     95 % range",
        "all 2 scenarios  code  tokens:mean:5%       750    850  +13.3%  +13.3..+13.3%",
        "one              code  tokens:mean:5%     1,000  1,200  +20.0%  +20.0..+20.0%",
        "Figures over all scenarios are the means of theirs.",
        "gate failed: 2 failed, 1 passed; baseline base.json",
    ]


def test_absolute_limit_has_an_interval_in_its_unit() -> None:
    """What was given in tokens is shown in tokens."""
    assert render_judgement(judged("tokens:mean:150"), width=100)[1:] == [
        "one       code  tokens:mean:150     1,000  1,200   +200  +200..+200",
        "gate failed: 1 failed, 2 passed; baseline base.json",
    ]


def test_dollars_have_decimals() -> None:
    """A limit of a tenth of a cent, and a rise beyond it."""
    base, now = (stored_run(sample("one", {"cost_usd": [cost] * 5})) for cost in (0.0125, 0.015))
    rule = Rule.parse("cost_usd:mean:0.001", METRICS)

    assert render_judgement(judge(base, now, [rule], own_rules={}, on_noise=False), width=100)[1:-1] == [
        "one       code  cost_usd:mean:0.001   $0.0125  $0.0150  +$0.002500  +$0.002500..+$0.002500"
    ]


def test_limit_alone_is_said() -> None:
    """Where noise was not asked, the row and a line below say so."""
    lines = render_judgement(judged("tokens:max:5%", "tokens:median:15%", few=True), width=100)

    assert lines[1:] == [
        "one       code  tokens:max:5%         1,000  1,200  +20.0%  limit alone*",
        "one       code  tokens:median:15%     1,000  1,200  +20.0%  limit alone*",
        "* the limit alone decides on a max, and equal runs may fail by chance",
        "* too few trials to tell noise: the limit alone decides, and equal runs may fail by chance",
        "gate failed: 2 failed, 3 passed; baseline base.json",
    ]


def test_passed_gate_is_a_line() -> None:
    """Nothing that failed, nothing to show but how much was judged."""
    assert render_judgement(judged("tokens:mean:25%"), width=80) == [
        "gate passed: 0 failed, 3 passed; baseline base.json"
    ]


def test_noise_refusals_and_unknowns_are_counted() -> None:
    """What was within the noise, what could not be told and what was refused are in the last lines."""
    noisy = [800.0, 1200, 900, 1300, 1000, 700]
    base = stored_run(
        sample("one", {"tokens": noisy, "first_try": [1, None, None, 1, 1, 1]}), sample("two", {"tokens": [1]})
    )
    now = stored_run(sample("one", {"tokens": [1.1 * n for n in noisy], "first_try": [1] * 6}), worker_count=2)
    rules = [Rule.parse(rule, METRICS) for rule in ("tokens:mean:5%", "first_try:rate:0", "latency_s:mean:5%")]

    lines = render_judgement(judge(base, now, rules, own_rules={}, on_noise=False), width=110)

    assert lines == [
        "cannot judge: first_try:rate:0: nothing can be told: 4 of the baseline's 6 trials know it",
        "cannot judge: latency_s:mean:5%: latency_s depends on how many trials run at a time: the baseline ran with no",
        "  workers and concurrency 1, this run with 2 workers and concurrency 1; run with the same",
        "not in this run: test_a.py::test_two",
        "gate failed: 0 failed, 1 passed (1 beyond the limit, within the noise), 1 cannot be told, 2 not judged;",
        "  baseline base.json",
    ]


def test_what_is_left_out_is_said() -> None:
    """A row over fewer scenarios than there are names both numbers, as does one over fewer trials; once per arm."""
    noisy = [800.0, 1200, 900, 1300, 1000, 700]
    base = tokens({"one": noisy, "two": noisy, "new": [1000]})
    now = tokens({"one": [None, *(2 * n for n in noisy[1:])], "two": [2 * n for n in noisy], "new": [1000]})

    lines = render_judgement(
        judge(base, now, [Rule.parse("tokens:mean:5%", METRICS)], own_rules={}, on_noise=False), width=100
    )

    assert lines[1].startswith("2 of 3 scenarios  code  tokens:mean:5%")
    assert "tokens:mean:5% of code: 2 of 3 scenarios; 12 of this run's 13 trials know it" in lines


def test_what_one_arm_cannot_know_is_said() -> None:
    """An arm that runs no program has no first try: it is said, and no reason to fail."""
    base = stored_run(*(sample("one", {"first_try": [n]}, arm=arm) for arm, n in (("code", 1), ("direct", None))))

    lines = render_judgement(
        judge(base, base, [Rule.parse("first_try:rate:0", METRICS)], own_rules={}, on_noise=False), width=100
    )

    assert lines == [
        "cannot tell first_try:rate:0 of direct: 0 of the baseline's 1 trials know it",
        "gate passed: 0 failed, 1 passed, 1 cannot be told; baseline base.json",
    ]


def test_lines_fit_the_terminal() -> None:
    """Sentences are wrapped, names of scenarios are cut."""
    long = {"a_scenario_with_a_name_that_is_much_longer_than_any_terminal": [1.0] * 2}
    rise = judge(
        tokens(long),
        tokens({name: [2.0] * 2 for name in long}),
        [Rule.parse("tokens:mean:5%", METRICS)],
        own_rules={},
        on_noise=False,
    )

    assert max(map(len, render_judgement(rise, width=80))) <= 80


def test_models_are_named_where_there_are_several() -> None:
    """Two models share no row."""
    base, now = (
        stored_run(*(sample("one", {"tokens": [n]}, model=model) for model in ("acme/one", "acme/two"))) for n in (1, 2)
    )
    lines = render_judgement(
        judge(base, now, [Rule.parse("tokens:mean:5%", METRICS)], own_rules={}, on_noise=False), width=100
    )

    assert [line.split("  tokens")[0] for line in lines[1:3]] == ["one       code acme/one", "one       code acme/two"]


def test_markdown_is_a_table_and_a_list() -> None:
    """For a summary in CI."""
    assert judgement_as_markdown(judged("tokens:mean:15%")) == [
        "| scenario | arm | rule | baseline | now | delta | 95 % range |",
        "| :-- | :-- | :-- | --: | --: | --: | --: |",
        "| one | code | tokens:mean:15% | 1,000 | 1,200 | +20.0% | +20.0..+20.0% |",
        "",
        "* gate failed: 1 failed, 2 passed; baseline base.json",
    ]


def test_json_holds_every_finding() -> None:
    """For programs: the passed ones too, with p-values and intervals."""
    content = judgement_as_json(judged("tokens:mean:5%"))

    assert json.loads(json.dumps(content)) == content
    assert (content["passed"], len(content["findings"]), content["baseline"]) == (False, 3, "base.json")
    assert content["findings"][1] == {
        "rule": "tokens:mean:5%",
        "arm": "code",
        "model": "acme/one",
        "scenario": "test_a.py::test_one",
        "scenarios": 1,
        "of": 1,
        "base": 1000,
        "now": 1200,
        "interval": [200, 200],
        "p": None,
        "outcome": "failed",
        "note": "no figure varies from trial to trial",
        "unknown": "",
    }
