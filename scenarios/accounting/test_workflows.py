"""
Eight requests to the bookkeeping assistant of a joinery, from a month's four bills to a quarter's end.

A request holds every fact that its writes need and asks for figures that only the books can give. Beside it
stand the type of the answer, a reference solution and the scenario itself. A reference solution uses nothing
but its parameter and the builtins: its source is also run as a program. For programs in TypeScript there is another
one in `workflows/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

import pytest

from scenarios.accounting.ledger import AutumnLedger, Ledger

CENT = 0.005
"""Two amounts in euro are the same if they differ by less than half a cent."""

TYPESCRIPT = Path(__file__).with_name("workflows")
"""The same solutions in TypeScript: the same calls in the same order."""


class ExpenseReport(TypedDict):
    """What a month cost."""

    total_expenses: float
    operating_balance: float
    largest_category: str


EXPENSES = """\
Please book last month's running costs of the workshop. All of them were paid from the operating account:

date, payee, category, amount in euro
2026-03-02, Kaimauer Immobilien, rent, 1,860.00
2026-03-09, Stadtwerke Nordhafen, utilities, 214.35
2026-03-12, Wattline Telecom, internet, 89.90
2026-03-20, Papier Brandt, supplies, 137.45

Then tell me the total expenses of March, what is left on the operating account, and which category cost
the most."""


def solve_1(tools: Any) -> ExpenseReport:
    """Book four bills and sum them up."""
    bills = [
        ("2026-03-02", "Kaimauer Immobilien", "rent", 1860.00),
        ("2026-03-09", "Stadtwerke Nordhafen", "utilities", 214.35),
        ("2026-03-12", "Wattline Telecom", "internet", 89.90),
        ("2026-03-20", "Papier Brandt", "supplies", 137.45),
    ]
    for date, payee, category, amount in bills:
        tools.record_expense(amount=amount, payee=payee, category=category, date=date)

    summary = tools.summarize_finances(since="2026-03-01", until="2026-03-31")
    spending = tools.summarize_spending(since="2026-03-01", until="2026-03-31")
    accounts = tools.list_accounts()
    balances = {account["account"]: account["balance"] for account in accounts}
    return {
        "total_expenses": summary["expenses"],
        "operating_balance": balances["operating"],
        "largest_category": spending[0]["category"],
    }


@pytest.mark.scenario(
    EXPENSES,
    tools=Ledger,
    reference=solve_1,
    reference_ts=TYPESCRIPT / "scenario_1.ts",
    answer=ExpenseReport,
    tolerance=CENT,
)
def test_scenario_1(codeact_trial: Any, codeact_snapshot: Any) -> None:
    """A month's four bills are booked and summed up."""
    assert codeact_trial.outcome == codeact_snapshot


class BillingReport(TypedDict):
    """Two invoices, one sent and one not."""

    sent_total: float
    sent_due_on: str
    draft_total: float
    outstanding: float


BILLING = """\
Two jobs are finished and have to be invoiced, both with the date 2026-04-07.

Hotel Seebrise: 62 hours of "Cabinet making" at 68.00 euro and 14 hours of "Installation" at 54.50 euro,
payable within 30 days. This invoice went out the same day, so it has to show as sent on 2026-04-07.

Praxis Amsel: 35 hours of "Shelf design" at 72.00 euro and 6 hours of "Site visit" at 95.00 euro,
payable within 14 days. I still want to look it over, so leave this one as a draft.

Tell me the total of the invoice that was sent and the day it is due (YYYY-MM-DD), the total of the
draft, and how much our clients owe us now."""


def solve_2(tools: Any) -> BillingReport:
    """Write two invoices and send one."""
    hotel = tools.create_invoice(
        client="Hotel Seebrise",
        lines=[
            {"description": "Cabinet making", "quantity": 62, "unit_price": 68.00},
            {"description": "Installation", "quantity": 14, "unit_price": 54.50},
        ],
        issued_on="2026-04-07",
        due_in_days=30,
    )
    practice = tools.create_invoice(
        client="Praxis Amsel",
        lines=[
            {"description": "Shelf design", "quantity": 35, "unit_price": 72.00},
            {"description": "Site visit", "quantity": 6, "unit_price": 95.00},
        ],
        issued_on="2026-04-07",
        due_in_days=14,
    )
    tools.update_invoice_status(invoice_id=hotel["invoice_id"], status="sent", date="2026-04-07")
    receivables = tools.summarize_receivables()
    return {
        "sent_total": hotel["total"],
        "sent_due_on": hotel["due_on"],
        "draft_total": practice["total"],
        "outstanding": receivables["outstanding"],
    }


@pytest.mark.scenario(
    BILLING,
    tools=Ledger,
    reference=solve_2,
    reference_ts=TYPESCRIPT / "scenario_2.ts",
    answer=BillingReport,
    tolerance=CENT,
)
def test_scenario_2(codeact_trial: Any, codeact_snapshot: Any) -> None:
    """Two clients are invoiced, and one of the invoices is sent."""
    assert codeact_trial.outcome == codeact_snapshot


class PaymentReport(TypedDict):
    """How an invoice was paid."""

    invoice_total: float
    deposit: float
    final_payment: float
    savings_balance: float


PAYMENTS = """\
Please take the job for Reederei Holm through the books.

The invoice is dated 2026-05-04 and payable within 21 days: 44 hours of "Cabin refit" at 81.50 euro and
18 hours of "Varnishing" at 62.00 euro. It was sent on 2026-05-04. Their deposit, 40 % of the invoice
total, reached our operating account on 2026-05-11. Everything that was still open came in on
2026-05-29, by mistake to our savings account; leave it there.

I need the invoice total, the amounts of the deposit and of the final payment, and the balance of the
savings account after it."""


def solve_3(tools: Any) -> PaymentReport:
    """Invoice a job and record the deposit and the rest."""
    invoice = tools.create_invoice(
        client="Reederei Holm",
        lines=[
            {"description": "Cabin refit", "quantity": 44, "unit_price": 81.50},
            {"description": "Varnishing", "quantity": 18, "unit_price": 62.00},
        ],
        issued_on="2026-05-04",
        due_in_days=21,
    )
    invoice_id = invoice["invoice_id"]
    tools.update_invoice_status(invoice_id=invoice_id, status="sent", date="2026-05-04")

    deposit = round(invoice["total"] * 0.40, 2)
    invoice = tools.record_payment(invoice_id=invoice_id, amount=deposit, date="2026-05-11", account="operating")
    final_payment = invoice["remaining"]
    invoice = tools.record_payment(invoice_id=invoice_id, amount=final_payment, date="2026-05-29", account="savings")
    balances = {account["account"]: account["balance"] for account in tools.list_accounts()}
    return {
        "invoice_total": invoice["total"],
        "deposit": deposit,
        "final_payment": final_payment,
        "savings_balance": balances["savings"],
    }


@pytest.mark.scenario(
    PAYMENTS,
    tools=Ledger,
    reference=solve_3,
    reference_ts=TYPESCRIPT / "scenario_3.ts",
    answer=PaymentReport,
    tolerance=CENT,
)
def test_scenario_3(codeact_trial: Any, codeact_snapshot: Any) -> None:
    """An invoice is paid by a deposit and whatever remains after it."""
    assert codeact_trial.outcome == codeact_snapshot


class CashFlowReport(TypedDict):
    """A month's income and expenses."""

    income: float
    expenses: float
    net: float
    operating_balance: float
    largest_expense_category: str


CASH_FLOW = """\
Here is what went through the operating account in April; please put it into the books.

Received (date, from, category, euro):
2026-04-03, Buchladen Lesezeit, sales, 4,380.00
2026-04-15, Cafe Treibgut, repairs, 1,265.50
2026-04-25, Volkshochschule Nordhafen, courses, 412.00

Paid (date, to, category, euro):
2026-04-01, Planwerk Soft, software, 248.00
2026-04-10, Werkzeug Harms, equipment, 736.80
2026-04-17, Plakat und Partner, marketing, 395.25
2026-04-28, Kuestenbahn, travel, 118.60

What were income, expenses and net result of April, what does the operating account hold now, and on
which category did we spend the most?"""


def solve_4(tools: Any) -> CashFlowReport:
    """Book a month's receipts and payments and sum them up."""
    receipts = [
        ("2026-04-03", "Buchladen Lesezeit", "sales", 4380.00),
        ("2026-04-15", "Cafe Treibgut", "repairs", 1265.50),
        ("2026-04-25", "Volkshochschule Nordhafen", "courses", 412.00),
    ]
    payments = [
        ("2026-04-01", "Planwerk Soft", "software", 248.00),
        ("2026-04-10", "Werkzeug Harms", "equipment", 736.80),
        ("2026-04-17", "Plakat und Partner", "marketing", 395.25),
        ("2026-04-28", "Kuestenbahn", "travel", 118.60),
    ]
    for date, payer, category, amount in receipts:
        tools.record_income(amount=amount, payer=payer, category=category, date=date)
    for date, payee, category, amount in payments:
        tools.record_expense(amount=amount, payee=payee, category=category, date=date)

    summary = tools.summarize_finances(since="2026-04-01", until="2026-04-30")
    spending = tools.summarize_spending(since="2026-04-01", until="2026-04-30")
    accounts = tools.list_accounts()
    balances = {account["account"]: account["balance"] for account in accounts}
    return {
        "income": summary["income"],
        "expenses": summary["expenses"],
        "net": summary["net"],
        "operating_balance": balances["operating"],
        "largest_expense_category": spending[0]["category"],
    }


@pytest.mark.scenario(
    CASH_FLOW,
    tools=Ledger,
    reference=solve_4,
    reference_ts=TYPESCRIPT / "scenario_4.ts",
    answer=CashFlowReport,
    tolerance=CENT,
)
def test_scenario_4(codeact_trial: Any, codeact_snapshot: Any) -> None:
    """A month's mixed receipts and payments are booked and summed up."""
    assert codeact_trial.outcome == codeact_snapshot


class TreasuryReport(TypedDict):
    """Where the money is after a month of moving it."""

    adjustment: float
    operating_balance: float
    savings_balance: float
    total_balance: float


TREASURY = """\
Please book these in the order they happened:

- On 2026-05-05 Werft Hansen paid 9,450.00 euro for furniture (category sales) into the operating
  account.
- On 2026-05-06 I moved 14,000.00 euro from the operating account to the savings account.
- On 2026-05-19 we paid Werkzeug Harms 3,275.50 euro for a planer (category equipment) from the
  operating account.

At the end of the month the operating account has to hold exactly 8,000.00 euro. Dated 2026-05-29,
please bring it there: take what it lacks out of the savings account, or put what it has too much there.

Report how much you moved for that, and then the balance of the operating account, of the savings
account, and of all our accounts together."""


def solve_5(tools: Any) -> TreasuryReport:
    """Book three movements, then bring the operating account to its target."""
    tools.record_income(amount=9450.00, payer="Werft Hansen", category="sales", date="2026-05-05", account="operating")
    tools.transfer_funds(from_account="operating", to_account="savings", amount=14000.00, date="2026-05-06")
    tools.record_expense(
        amount=3275.50, payee="Werkzeug Harms", category="equipment", date="2026-05-19", account="operating"
    )
    balances = {account["account"]: account["balance"] for account in tools.list_accounts()}
    missing = round(8000.00 - balances["operating"], 2)
    if missing > 0:
        tools.transfer_funds(from_account="savings", to_account="operating", amount=missing, date="2026-05-29")
    elif missing < 0:
        tools.transfer_funds(from_account="operating", to_account="savings", amount=-missing, date="2026-05-29")
    balances = {account["account"]: account["balance"] for account in tools.list_accounts()}
    return {
        "adjustment": abs(missing),
        "operating_balance": balances["operating"],
        "savings_balance": balances["savings"],
        "total_balance": round(sum(balances.values()), 2),
    }


@pytest.mark.scenario(
    TREASURY,
    tools=Ledger,
    reference=solve_5,
    reference_ts=TYPESCRIPT / "scenario_5.ts",
    answer=TreasuryReport,
    tolerance=CENT,
)
def test_scenario_5(codeact_trial: Any, codeact_snapshot: Any) -> None:
    """Money moves between accounts, the last time by as much as a balance demands."""
    assert codeact_trial.outcome == codeact_snapshot


class QuarterReport(TypedDict):
    """A quarter's result, its best month and what was set aside for taxes."""

    income: float
    expenses: float
    net: float
    best_month: str
    best_month_net: float
    largest_expense_category: str
    tax_reserve: float
    operating_balance: float


QUARTER = """\
Time to close the first quarter of 2026. Nothing of it is in the books yet. Everything went through the
operating account.

Sales and repairs (date, from, category, euro):
2026-01-19, Buchladen Lesezeit, sales, 5,240.00
2026-02-19, Cafe Treibgut, sales, 3,915.50
2026-03-24, Galerie Nordlicht, repairs, 2,760.00

One job was invoiced: Kontor Vierling, 95 hours of "Office fit-out" at 84.00 euro, dated 2026-02-16,
payable within 30 days, sent on 2026-02-16 and paid in full on 2026-03-18.

Expenses (date, to, category, euro):
2026-01-05, Kaimauer Immobilien, rent, 1,860.00
2026-01-14, Stadtwerke Nordhafen, utilities, 236.10
2026-01-23, Lotse Versicherung, insurance, 684.00
2026-02-03, Werkzeug Harms, equipment, 1,495.00
2026-02-11, Plakat und Partner, marketing, 520.40
2026-02-24, Anker Akademie, training, 375.00
2026-03-06, Kanzlei Moewe, fees, 910.00
2026-03-13, Kuestenbahn, travel, 163.50
2026-03-27, Papier Brandt, supplies, 208.00

When all that is booked, put 20 % of the quarter's net result aside: move it from the operating to the
tax account, dated 2026-03-31.

In the report I want income, expenses and net result of the quarter, by the day the money moved; the month
with the best net result (as YYYY-MM) and that result; the category we spent most on; how much the tax
account received; and what the operating account holds in the end."""


def solve_6(tools: Any) -> QuarterReport:
    """Book a quarter, put a share of its result aside and find its best month."""
    receipts = [
        ("2026-01-19", "Buchladen Lesezeit", "sales", 5240.00),
        ("2026-02-19", "Cafe Treibgut", "sales", 3915.50),
        ("2026-03-24", "Galerie Nordlicht", "repairs", 2760.00),
    ]
    expenses = [
        ("2026-01-05", "Kaimauer Immobilien", "rent", 1860.00),
        ("2026-01-14", "Stadtwerke Nordhafen", "utilities", 236.10),
        ("2026-01-23", "Lotse Versicherung", "insurance", 684.00),
        ("2026-02-03", "Werkzeug Harms", "equipment", 1495.00),
        ("2026-02-11", "Plakat und Partner", "marketing", 520.40),
        ("2026-02-24", "Anker Akademie", "training", 375.00),
        ("2026-03-06", "Kanzlei Moewe", "fees", 910.00),
        ("2026-03-13", "Kuestenbahn", "travel", 163.50),
        ("2026-03-27", "Papier Brandt", "supplies", 208.00),
    ]
    for date, payer, category, amount in receipts:
        tools.record_income(amount=amount, payer=payer, category=category, date=date)
    for date, payee, category, amount in expenses:
        tools.record_expense(amount=amount, payee=payee, category=category, date=date)
    invoice = tools.create_invoice(
        client="Kontor Vierling",
        lines=[{"description": "Office fit-out", "quantity": 95, "unit_price": 84.00}],
        issued_on="2026-02-16",
        due_in_days=30,
    )
    tools.update_invoice_status(invoice_id=invoice["invoice_id"], status="sent", date="2026-02-16")
    tools.update_invoice_status(invoice_id=invoice["invoice_id"], status="paid", date="2026-03-18")

    quarter = tools.summarize_finances(since="2026-01-01", until="2026-03-31")
    spending = tools.summarize_spending(since="2026-01-01", until="2026-03-31")
    months = {
        month: tools.summarize_finances(since=month + "-01", until=month + "-" + last_day)
        for month, last_day in [("2026-01", "31"), ("2026-02", "28"), ("2026-03", "31")]
    }
    best_month = max(months, key=lambda month: months[month]["net"])
    reserve = round(quarter["net"] * 0.20, 2)
    transfer = tools.transfer_funds(from_account="operating", to_account="tax", amount=reserve, date="2026-03-31")
    return {
        "income": quarter["income"],
        "expenses": quarter["expenses"],
        "net": quarter["net"],
        "best_month": best_month,
        "best_month_net": months[best_month]["net"],
        "largest_expense_category": spending[0]["category"],
        "tax_reserve": transfer["amount"],
        "operating_balance": transfer["from_balance"],
    }


@pytest.mark.scenario(
    QUARTER,
    tools=Ledger,
    reference=solve_6,
    reference_ts=TYPESCRIPT / "scenario_6.ts",
    answer=QuarterReport,
    tolerance=CENT,
)
def test_scenario_6(codeact_trial: Any, codeact_snapshot: Any) -> None:
    """A quarter is booked and closed, and a share of its result is set aside."""
    assert codeact_trial.outcome == codeact_snapshot


class ReceivablesReport(TypedDict):
    """What clients were invoiced, paid and owe, and who is late with the most."""

    invoiced: float
    collected: float
    outstanding: float
    overdue_client: str
    overdue_amount: float


RECEIVABLES = """\
Three clients, three invoices, all dated and sent on 2026-06-01:

- Segelschule Kranich: 48 hours of "Boathouse shelves" at 76.00 euro, payable within 30 days
- Bistro Mole: 26 hours of "Counter repair" at 88.00 euro, payable within 45 days
- Museum Leuchtturm: 64 hours of "Display cases" at 79.50 euro and 12 hours of "Assembly" at 58.00 euro,
  payable within 30 days

Since then these payments came in on the operating account: 1,500.00 euro from Segelschule Kranich on
2026-06-15, the full amount from Bistro Mole on 2026-06-18, and 4,000.00 euro from Museum Leuchtturm on
2026-06-22.

Please record all of this. Of the invoices that are not fully paid, the one with the larger amount still
open has to be marked as overdue on 2026-07-02; leave the other as it is.

Then report how much we invoiced, collected and are still owed altogether, which client is overdue, and
with what amount."""


def solve_7(tools: Any) -> ReceivablesReport:
    """Invoice three clients, record what they paid and mark the one who owes most."""
    jobs = [
        ("Segelschule Kranich", 30, [("Boathouse shelves", 48, 76.00)]),
        ("Bistro Mole", 45, [("Counter repair", 26, 88.00)]),
        ("Museum Leuchtturm", 30, [("Display cases", 64, 79.50), ("Assembly", 12, 58.00)]),
    ]
    invoices = [
        tools.create_invoice(
            client=client,
            lines=[
                {"description": description, "quantity": hours, "unit_price": rate} for description, hours, rate in work
            ],
            issued_on="2026-06-01",
            due_in_days=days,
        )
        for client, days, work in jobs
    ]
    school, bistro, museum = [invoice["invoice_id"] for invoice in invoices]
    for invoice_id in [school, bistro, museum]:
        tools.update_invoice_status(invoice_id=invoice_id, status="sent", date="2026-06-01")

    tools.record_payment(invoice_id=school, amount=1500.00, date="2026-06-15")
    tools.update_invoice_status(invoice_id=bistro, status="paid", date="2026-06-18")
    tools.record_payment(invoice_id=museum, amount=4000.00, date="2026-06-22")

    largest = max(tools.list_invoices(status="sent"), key=lambda invoice: invoice["remaining"])
    late = tools.update_invoice_status(invoice_id=largest["invoice_id"], status="overdue", date="2026-07-02")
    receivables = tools.summarize_receivables()
    return {
        "invoiced": receivables["invoiced"],
        "collected": receivables["collected"],
        "outstanding": receivables["outstanding"],
        "overdue_client": late["client"],
        "overdue_amount": late["remaining"],
    }


@pytest.mark.scenario(
    RECEIVABLES,
    tools=Ledger,
    reference=solve_7,
    reference_ts=TYPESCRIPT / "scenario_7.ts",
    answer=ReceivablesReport,
    tolerance=CENT,
)
def test_scenario_7(codeact_trial: Any, codeact_snapshot: Any) -> None:
    """Three clients are invoiced, pay in part or in full, and the one who owes most is marked."""
    assert codeact_trial.outcome == codeact_snapshot


class BudgetReport(TypedDict):
    """What was spent of four budgets, and by how much some were exceeded."""

    supplies_spent: float
    marketing_spent: float
    travel_spent: float
    training_spent: float
    largest_expense: float
    over_budget: list[str]
    overrun: float
    operating_balance: float


BUDGETS = """\
I am checking our budgets for September 2026: supplies 3,000.00 euro, marketing 1,500.00, travel 900.00,
training 700.00. A few of the month's expenses are in the books already. These are not; please add them,
all paid from the operating account:

date, payee, category, amount in euro
2026-09-04, Holzhandel Wiek, supplies, 1,985.00
2026-09-07, Papier Brandt, supplies, 164.50
2026-09-09, Leim und Lack, supplies, 92.30
2026-09-15, Holzhandel Wiek, supplies, 248.75
2026-09-22, Beschlag Krause, supplies, 173.20
2026-09-08, Plakat und Partner, marketing, 540.00
2026-09-14, Messe Nordhafen, marketing, 715.00
2026-09-23, Fotostudio Linse, marketing, 128.40
2026-09-10, Kuestenbahn, travel, 386.00
2026-09-16, Pension Duene, travel, 271.90
2026-09-24, Taxi Sund, travel, 64.20
2026-09-11, Anker Akademie, training, 190.00
2026-09-17, Meisterschule Lund, training, 420.00
2026-09-25, Fachbuch Pohl, training, 55.00

Counting everything in the books for September, tell me what was spent in each of the four categories,
the largest single expense among them, which of the four are over budget (in alphabetical order), and by
how much altogether. Cover exactly that overrun from the savings account: move it to the operating
account, dated 2026-09-30. Also tell me what the operating account holds after that."""


def solve_8(tools: Any) -> BudgetReport:
    """Book fourteen expenses, compare four categories with their budgets and cover the overrun."""
    budgets = {"supplies": 3000.00, "marketing": 1500.00, "travel": 900.00, "training": 700.00}
    expenses = [
        ("2026-09-04", "Holzhandel Wiek", "supplies", 1985.00),
        ("2026-09-07", "Papier Brandt", "supplies", 164.50),
        ("2026-09-09", "Leim und Lack", "supplies", 92.30),
        ("2026-09-15", "Holzhandel Wiek", "supplies", 248.75),
        ("2026-09-22", "Beschlag Krause", "supplies", 173.20),
        ("2026-09-08", "Plakat und Partner", "marketing", 540.00),
        ("2026-09-14", "Messe Nordhafen", "marketing", 715.00),
        ("2026-09-23", "Fotostudio Linse", "marketing", 128.40),
        ("2026-09-10", "Kuestenbahn", "travel", 386.00),
        ("2026-09-16", "Pension Duene", "travel", 271.90),
        ("2026-09-24", "Taxi Sund", "travel", 64.20),
        ("2026-09-11", "Anker Akademie", "training", 190.00),
        ("2026-09-17", "Meisterschule Lund", "training", 420.00),
        ("2026-09-25", "Fachbuch Pohl", "training", 55.00),
    ]
    for date, payee, category, amount in expenses:
        tools.record_expense(amount=amount, payee=payee, category=category, date=date)

    spending = tools.summarize_spending(since="2026-09-01", until="2026-09-30")
    budgeted = {row["category"]: row for row in spending if row["category"] in budgets}
    spent = {category: row["total"] for category, row in budgeted.items()}
    over_budget = sorted(category for category in budgets if spent[category] > budgets[category])
    overrun = round(sum(spent[category] - budgets[category] for category in over_budget), 2)
    transfer = tools.transfer_funds(from_account="savings", to_account="operating", amount=overrun, date="2026-09-30")
    return {
        "supplies_spent": spent["supplies"],
        "marketing_spent": spent["marketing"],
        "travel_spent": spent["travel"],
        "training_spent": spent["training"],
        "largest_expense": max(row["largest"] for row in budgeted.values()),
        "over_budget": over_budget,
        "overrun": overrun,
        "operating_balance": transfer["to_balance"],
    }


@pytest.mark.scenario(
    BUDGETS,
    tools=AutumnLedger,
    reference=solve_8,
    reference_ts=TYPESCRIPT / "scenario_8.ts",
    answer=BudgetReport,
    tolerance=CENT,
)
def test_scenario_8(codeact_trial: Any, codeact_snapshot: Any) -> None:
    """Fourteen expenses are added to a month, and what exceeds its budgets is covered."""
    assert codeact_trial.outcome == codeact_snapshot
