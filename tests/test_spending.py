"""What a run may spend: which models cost, what their prices are, who gets a gate, and the bill."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fakes import ScriptedModel
from recordings_of import request

from pytest_codeact.errors import BudgetError
from pytest_codeact.journal import Journal, JournalFile, Outbox
from pytest_codeact.kit import Kit
from pytest_codeact.money import Bounds, Ledger, Totals, read_totals
from pytest_codeact.options import Settings
from pytest_codeact.registry import Registry, register_builtins
from pytest_codeact.spending import Bill, check_prices, gate_for, live_models, rates_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRICES = '["fake/*"]\ninput = 10.0\noutput = 100.0\n'
LIVE = Settings(mode="live", models=("reference", "fake/x", "own/y"), sources={"budget_usd": "--codeact-budget"})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JournalFile]:
    """Give the store of the run's journal."""
    made = JournalFile(tmp_path / "run", lambda: b"{}\n", owner=True)
    yield made
    made.close()


@pytest.fixture
def kit(tmp_path: Path, store: JournalFile) -> Iterator[Kit]:
    """Make a kit with a live provider, one that costs nothing, and a file of prices."""
    registry = Registry()
    register_builtins(registry)
    registry.add_provider("fake", lambda _context: ScriptedModel(), live=True)
    registry.add_provider("own", lambda _context: ScriptedModel())
    (tmp_path / "prices.toml").write_text(PRICES)
    made = Kit(LIVE, registry, Journal(store, "run", looks_up=False))
    yield made
    made.connections.close()
    made.close()


def ask(kit: Kit, tmp_path: Path, **changes: Any) -> None:
    """Set what the user asks for beside a file of prices."""
    kit.settings = replace(LIVE, prices=str(tmp_path / "prices.toml"), **changes)


@pytest.mark.parametrize(
    ("mode", "models"),
    [
        ("live", ["fake/x"]),
        ("record", ["fake/x"]),
        ("refresh", ["fake/x"]),
        ("auto", []),
        ("replay", []),
        ("reference", []),
    ],
)
def test_live_models_are_those_that_are_asked(kit: Kit, mode: str, models: list[str]) -> None:
    """What is replayed, or costs nothing anyway, is none."""
    kit.settings = replace(LIVE, mode=mode)

    assert live_models(kit) == models


def test_budget_without_a_price_is_refused(kit: Kit) -> None:
    """It names the models and every way out."""
    kit.settings = replace(LIVE, budget_usd=5.0)

    with pytest.raises(pytest.UsageError) as raised:
        check_prices(kit)
    assert str(raised.value) == (
        "--codeact-budget: no price is known of 'fake/x', and a budget cannot be held without one; give prices with "
        "--codeact-prices=FILE, install the bundled ones with pip install 'pytest-codeact[live]', or use "
        "--codeact-budget=none with --codeact-max-requests=N"
    )


@pytest.mark.parametrize("budget_usd", [None, float("inf")])
def test_no_budget_needs_no_price(kit: Kit, budget_usd: float | None) -> None:
    """An unknown price is then only unknown."""
    kit.settings = replace(LIVE, budget_usd=budget_usd)
    check_prices(kit)

    assert rates_of(kit, "fake/x") is None


def test_price_file_that_is_wrong_is_refused_by_its_option(kit: Kit, tmp_path: Path) -> None:
    """The flag, or the ini key, is named before the file."""
    ask(kit, tmp_path, sources={"prices": "codeact_prices"})
    (tmp_path / "prices.toml").write_text("[")

    with pytest.raises(pytest.UsageError, match=r"^codeact_prices: the price file '.*prices.toml' is no TOML: "):
        check_prices(kit)


def test_prices_of_a_run_do_not_change(kit: Kit, tmp_path: Path) -> None:
    """They are those of when the process first asked."""
    ask(kit, tmp_path)
    first = rates_of(kit, "fake/x")
    (tmp_path / "prices.toml").unlink()

    assert first is not None
    assert rates_of(kit, "fake/x") is first


def test_prices_of_a_server_are_its_own(kit: Kit) -> None:
    """A vendor that serves another's model has prices of its own; a server that nobody knows has the model's."""
    kit.settings = replace(LIVE, base_urls={"openai": "http://127.0.0.1:1"})

    assert rates_of(kit, "openai/gpt-4o") is not None
    assert rates_of(kit, "openai/nobody-knows-it") is None


def test_gate_of_a_trial_has_the_run_s_terms(kit: Kit, tmp_path: Path, store: JournalFile) -> None:
    """Rates, limits and cache; the ledger is the process's, in the run's directory."""
    ask(kit, tmp_path, budget_usd=0.05, rpm=3, tpm=9, prompt_cache=True)
    gate: Any = gate_for(kit, "fake/x")

    assert gate.terms.rates.source.startswith("prices.toml")
    assert (gate.terms.rpm, gate.terms.tpm, gate.terms.prompt_cache) == (3, 9, True)
    assert gate_for(kit, "fake/y").ledger is gate.ledger  # type: ignore[attr-defined]  # a gate that is open
    assert read_totals(tmp_path / "run") == (Totals(), "")


def test_seconds_count_from_the_session_s_start(kit: Kit, tmp_path: Path) -> None:
    """Not from the first request: what was collected and replayed before took time too."""
    ask(kit, tmp_path, max_seconds=100.0)
    kit.began_s -= 100.0

    with pytest.raises(BudgetError, match=r"the run's 100 s are over \(--codeact-max-seconds\)"):
        gate_for(kit, "fake/x").admit(request())


@pytest.mark.parametrize(
    ("limit", "flag"),
    [
        ({"budget_usd": 5.0}, "--codeact-budget"),
        ({"max_requests": 5}, "--codeact-max-requests"),
        ({"max_seconds": 5.0}, "--codeact-max-seconds"),
        ({"rpm": 5}, "--codeact-rpm"),
        ({"tpm": 5}, "--codeact-tpm"),
    ],
)
def test_worker_that_does_not_see_the_ledger_holds_no_limit(
    kit: Kit, tmp_path: Path, limit: dict[str, Any], flag: str
) -> None:
    """Its live trials are refused, with the limit that it cannot hold and what to do."""
    kit.journal = Journal(Outbox(Outbox.pack(b"")), "run", looks_up=False)
    ask(kit, tmp_path, **limit)

    with pytest.raises(BudgetError) as raised:
        gate_for(kit, "fake/x").admit(request())
    assert str(raised.value) == (
        f"this worker does not see the run's ledger, which is on the controller's machine: it cannot hold {flag}; "
        "run live trials with -n, or without a limit (--codeact-budget=none)"
    )


def test_worker_that_does_not_see_the_ledger_may_ask_without_a_limit(kit: Kit, tmp_path: Path) -> None:
    """It prices its replies all the same."""
    kit.journal = Journal(Outbox(Outbox.pack(b"")), "run", looks_up=False)
    ask(kit, tmp_path, budget_usd=float("inf"))
    gate_for(kit, "fake/x").admit(request()).fail(None)

    assert read_totals(tmp_path / "run") is None


def test_ledger_that_cannot_be_opened_lets_nothing_pass(kit: Kit, tmp_path: Path) -> None:
    """A budget that cannot be held is none."""
    ask(kit, tmp_path, budget_usd=5.0)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / Ledger.FILE).mkdir()

    with pytest.raises(BudgetError) as raised:
        gate_for(kit, "fake/x").admit(request())
    assert str(raised.value) == (
        "the ledger of the run cannot be opened (unable to open database file), so no budget can be held; "
        "make .codeact in the root directory writable"
    )


def test_price_file_that_is_gone_lets_nothing_pass(kit: Kit, tmp_path: Path) -> None:
    """A worker that cannot read it must not ask at a price of its own."""
    ask(kit, tmp_path)
    (tmp_path / "prices.toml").unlink()

    with pytest.raises(BudgetError, match="cannot read the price file"):
        gate_for(kit, "fake/x").admit(request())


def bill(totals: Totals | None, budget_usd: float | None = 2.0, refused: tuple[str, ...] = ()) -> Bill:
    """Make a bill."""
    return Bill(totals=totals, settings=Settings(budget_usd=budget_usd), refused=refused)


@pytest.mark.parametrize(
    ("totals", "budget_usd", "said"),
    [
        (Totals(spent=15 * 10**10, requests=1), 2.0, "codeact: spent $0.1500 of $2.00 in 1 request; prices: p, q"),
        (Totals(spent=15 * 10**10, requests=2), float("inf"), "codeact: spent $0.1500 in 2 requests; prices: p, q"),
        (
            Totals(spent=15 * 10**10, requests=3, unpriced=1),
            None,
            "codeact: spent $0.1500 in 3 requests, 1 of them of unknown price; prices: p, q",
        ),
        (
            Totals(requests=3, unpriced=3),
            None,
            "codeact: spent n/a in 3 requests, 3 of them of unknown price; prices: p, q",
        ),
    ],
)
def test_bill_says_what_was_spent(totals: Totals, budget_usd: float | None, said: str) -> None:
    """Of how much, in how many requests, by which prices; what nobody knows is n/a."""
    assert bill(totals, budget_usd).lines(["p, q"]) == [said]


def test_bill_says_what_may_not_be_billed() -> None:
    """What is in doubt, and what dead processes had in flight."""
    said = bill(Totals(spent=30 * 10**10, held=10**11, doubtful=10**11, requests=3)).lines([])

    assert said == [
        "codeact: spent $0.4000 of $2.00 in 3 requests",
        "codeact: $0.2000 of it may not be billed: requests that broke off, or whose process died, count as the most "
        "that they may have cost",
    ]


def test_bill_of_a_run_that_asked_nothing_is_empty(tmp_path: Path) -> None:
    """A ledger that is not there is none."""
    assert Bill.of(tmp_path, Settings(), ()).lines(["p"]) == []


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ((), ""),
        (("used up",), "incomplete: 1 trial was not run: used up"),
        (("used up", "used up", "over"), "incomplete: 3 trials were not run: used up (and 1 other reason)"),
    ],
)
def test_bill_says_what_was_not_run(refused: tuple[str, ...], said: str) -> None:
    """How many trials, and why."""
    assert bill(None, refused=refused).incomplete == said


def test_bill_is_read_off_the_ledger(tmp_path: Path) -> None:
    """Whatever process wrote it."""
    ledger = Ledger(tmp_path, Bounds(), 0.0)
    ledger.reserve(10**10, None, 0.0)
    ledger.close()

    assert Bill.of(tmp_path, Settings(), ()).lines([])[0] == "codeact: spent $0.0100 in 1 request"
