"""
The world of the accounting scenarios: the books of a small company and the tools to keep them.

It is deterministic: it has no clock and draws nothing, dates come from the caller, ids are sequential.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

from pytest_codeact import ToolError, tool
from scenarios.accounting.books import (
    OPEN,
    Account,
    Category,
    CategorySpending,
    ExpenseCategory,
    FinancialSummary,
    IncomeCategory,
    Invoice,
    InvoiceLine,
    InvoiceRecord,
    InvoiceStatus,
    Kind,
    Period,
    ReceivablesSummary,
    Row,
    Transaction,
    Transfer,
    Writes,
    checked_day,
    checked_line,
    checked_name,
    day_after,
    euro_text,
    listed,
    noting_repeats,
    positive_cents,
    to_cents,
    to_euro,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class Ledger:
    """
    The books of one company, before anything happened this year.

    Rules that decide end states: no account may go below zero; a transfer is two rows; only sent and
    overdue invoices are receivables and can be paid; a payment is income and may not exceed what remains;
    the payment that reaches the total makes the invoice paid; setting an invoice to paid pays what remains.

    Attributes:
        OPENING_EUR: Account name -> balance before the first row, in euro.
        writes: What was carried out, for the writes that are made a second time.
    """

    OPENING_EUR: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"operating": 12_600.00, "savings": 31_500.00, "tax": 1_750.00}
    )

    def __init__(self) -> None:
        self._balances = {name: to_cents(euro) for name, euro in self.OPENING_EUR.items()}
        self._rows: list[Row] = []
        self._invoices: dict[str, InvoiceRecord] = {}
        self.writes = Writes()

    @tool(read_only=True)
    def list_accounts(self) -> list[Account]:
        """List all accounts with their opening and current balances in euro."""
        return [
            {
                "account": name,
                "opening_balance": to_euro(to_cents(opening)),
                "balance": to_euro(self._balances[name]),
            }
            for name, opening in self.OPENING_EUR.items()
        ]

    @tool(read_only=True)
    def list_transactions(
        self,
        account: str | None = None,
        kind: Kind | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> list[Transaction]:
        """
        List transactions in the order they were recorded.

        A transfer is two of them: transfer_out of one account and transfer_in to the other.

        Args:
            account: Only those of this account. All accounts if left out.
            kind: Only those of this kind. All kinds if left out.
            since: First day, as YYYY-MM-DD. No lower end if left out.
            until: Last day, inclusive, as YYYY-MM-DD. No upper end if left out.
        """
        if account is not None:
            self._check_account(account)
        period = Period(since, until)
        return [
            row.transaction(number)
            for number, row in enumerate(self._rows, start=1)
            if row.date in period and account in {None, row.account} and kind in {None, row.kind}
        ]

    @tool(
        example="record_income(amount=310.00, payer='Anna Petersen', category='repairs', date='2025-11-03')",
    )
    @noting_repeats
    def record_income(
        self, amount: float, payer: str, category: IncomeCategory, date: str, account: str = "operating"
    ) -> Transaction:
        """
        Record money received that belongs to no invoice.

        Args:
            amount: Amount in euro, positive.
            payer: Who paid.
            category: What it was paid for.
            date: Day of the receipt, as YYYY-MM-DD.
            account: Account that receives it.
        """
        return self._book(
            date=checked_day(date),
            kind="income",
            account=self._check_account(account),
            cents=positive_cents("amount", amount),
            category=category,
            party=checked_name("payer", payer),
        ).transaction(len(self._rows))

    @tool(
        example="record_expense(amount=42.80, payee='Holz Jansen', category='supplies', date='2025-11-04')",
    )
    @noting_repeats
    def record_expense(
        self, amount: float, payee: str, category: ExpenseCategory, date: str, account: str = "operating"
    ) -> Transaction:
        """
        Record money spent.

        Args:
            amount: Amount in euro, positive.
            payee: Who was paid.
            category: What it was spent on.
            date: Day of the payment, as YYYY-MM-DD.
            account: Account that pays it. It cannot go below zero.
        """
        cents = positive_cents("amount", amount)
        self._check_funds(account, cents)
        return self._book(
            date=checked_day(date),
            kind="expense",
            account=account,
            cents=cents,
            category=category,
            party=checked_name("payee", payee),
        ).transaction(len(self._rows))

    @tool
    @noting_repeats
    def transfer_funds(self, from_account: str, to_account: str, amount: float, date: str) -> Transfer:
        """
        Move money from one account to another. It is neither income nor an expense.

        Args:
            from_account: Account that gives. It cannot go below zero.
            to_account: Account that receives.
            amount: Amount in euro, positive.
            date: Day of the transfer, as YYYY-MM-DD.
        """
        cents = positive_cents("amount", amount)
        day = checked_day(date)
        self._check_account(to_account)
        self._check_funds(from_account, cents)
        if from_account == to_account:
            raise ToolError(f"cannot transfer from {from_account!r} to itself; name two different accounts")
        self._book(
            date=day, kind="transfer_out", account=from_account, cents=cents, category="transfer", party=to_account
        )
        self._book(
            date=day, kind="transfer_in", account=to_account, cents=cents, category="transfer", party=from_account
        )
        return {
            "from_account": from_account,
            "to_account": to_account,
            "amount": to_euro(cents),
            "from_balance": to_euro(self._balances[from_account]),
            "to_balance": to_euro(self._balances[to_account]),
        }

    @tool(
        example=(
            "create_invoice(client='Yachtclub Ost', issued_on='2025-11-05', due_in_days=10, "
            "lines=[{'description': 'Deck repair', 'quantity': 7.5, 'unit_price': 61.0}])"
        ),
    )
    @noting_repeats
    def create_invoice(self, client: str, lines: list[InvoiceLine], issued_on: str, due_in_days: int = 30) -> Invoice:
        """
        Write an invoice. It starts as a draft, which the client does not owe yet.

        Args:
            client: Name of the client.
            lines: What is billed, one entry per position: description, quantity and unit_price in euro.
            issued_on: Day of the invoice, as YYYY-MM-DD.
            due_in_days: Days from `issued_on` until it must be paid.
        """
        if not lines:
            raise ToolError("an invoice needs at least one line; give description, quantity and unit_price of each")
        invoice = InvoiceRecord(
            invoice_id=f"INV-{len(self._invoices) + 1:03}",
            client=checked_name("client", client),
            lines=[checked_line(each) for each in lines],
            issued_on=checked_day(issued_on),
            due_on=day_after(issued_on, due_in_days),
        )
        self._invoices[invoice.invoice_id] = invoice
        return invoice.invoice()

    @tool
    @noting_repeats
    def update_invoice_status(self, invoice_id: str, status: Literal["sent", "overdue", "paid"], date: str) -> Invoice:
        """
        Move an invoice on: from draft to sent, from sent to overdue, from sent or overdue to paid.

        Setting it to paid records what remains as received on the operating account; no further payment
        needs to be recorded.

        Args:
            invoice_id: Id of the invoice.
            status: The new status.
            date: Day of the change, as YYYY-MM-DD.
        """
        invoice = self._find_invoice(invoice_id)
        day = checked_day(date)
        if status == "paid":
            self._check_owed(invoice)
            self._pay(invoice, cents=invoice.remaining_cents, account="operating", date=day)
            return invoice.invoice()
        needed = {"sent": "draft", "overdue": "sent"}[status]
        if invoice.status != needed:
            raise ToolError(
                f"invoice {invoice_id!r} is {invoice.status!r} and cannot become {status!r}; "
                f"only an invoice that is {needed!r} can"
            )
        invoice.move_to(status, day)
        return invoice.invoice()

    @tool
    @noting_repeats
    def record_payment(self, invoice_id: str, amount: float, date: str, account: str = "operating") -> Invoice:
        """
        Record a client's payment of a sent or overdue invoice, in part or in full.

        It is booked as income. When nothing remains the invoice becomes paid.

        Args:
            invoice_id: Id of the invoice.
            amount: Amount in euro, positive, at most what remains of the invoice.
            date: Day of the receipt, as YYYY-MM-DD.
            account: Account that receives it.
        """
        invoice = self._find_invoice(invoice_id)
        cents = positive_cents("amount", amount)
        day = checked_day(date)
        self._check_account(account)
        self._check_owed(invoice)
        if cents > invoice.remaining_cents:
            raise ToolError(
                f"payment of {euro_text(cents)} is more than what remains of invoice {invoice_id!r}; "
                f"record at most {euro_text(invoice.remaining_cents)}"
            )
        self._pay(invoice, cents=cents, account=account, date=day)
        return invoice.invoice()

    @tool(read_only=True)
    def list_invoices(self, status: InvoiceStatus | None = None, client: str | None = None) -> list[Invoice]:
        """
        List invoices in the order they were written.

        Args:
            status: Only those of this status. All if left out.
            client: Only those of this client, by exact name. All if left out.
        """
        return [
            each.invoice()
            for each in self._invoices.values()
            if status in {None, each.status} and client in {None, each.client}
        ]

    @tool(read_only=True)
    def summarize_finances(self, since: str | None = None, until: str | None = None) -> FinancialSummary:
        """
        Add up income and expenses of a period over all accounts. Transfers count only as transactions.

        Args:
            since: First day, as YYYY-MM-DD. No lower end if left out.
            until: Last day, inclusive, as YYYY-MM-DD. No upper end if left out.
        """
        period = Period(since, until)
        rows = [each for each in self._rows if each.date in period]
        income = sum(each.cents for each in rows if each.kind == "income")
        expenses = sum(each.cents for each in rows if each.kind == "expense")
        return {
            "income": to_euro(income),
            "expenses": to_euro(expenses),
            "net": to_euro(income - expenses),
            "transaction_count": len(rows),
        }

    @tool(read_only=True)
    def summarize_spending(self, since: str | None = None, until: str | None = None) -> list[CategorySpending]:
        """
        Add up the expenses of a period by category, the highest total first. Unused categories are left out.

        Args:
            since: First day, as YYYY-MM-DD. No lower end if left out.
            until: Last day, inclusive, as YYYY-MM-DD. No upper end if left out.
        """
        period = Period(since, until)
        spent: dict[ExpenseCategory, list[int]] = {}
        for row in self._rows:
            if row.kind == "expense" and row.date in period:
                spent.setdefault(row.category, []).append(row.cents)  # type: ignore[arg-type]  # the kind says so
        return [
            {
                "category": category,
                "total": to_euro(sum(cents)),
                "largest": to_euro(max(cents)),
                "expense_count": len(cents),
            }
            for category, cents in sorted(spent.items(), key=lambda item: (-sum(item[1]), item[0]))
        ]

    @tool(read_only=True)
    def summarize_receivables(self) -> ReceivablesSummary:
        """
        Count the invoices by status and add up what was invoiced, collected and is outstanding.

        Outstanding is what remains of sent and overdue invoices. Drafts count as invoiced, not as
        outstanding.
        """
        invoices = self._invoices.values()
        statuses = [each.status for each in invoices]
        return {
            "invoice_count": len(statuses),
            "draft_count": statuses.count("draft"),
            "sent_count": statuses.count("sent"),
            "overdue_count": statuses.count("overdue"),
            "paid_count": statuses.count("paid"),
            "invoiced": to_euro(sum(each.total_cents for each in invoices)),
            "collected": to_euro(sum(each.paid_cents for each in invoices)),
            "outstanding": to_euro(sum(each.remaining_cents for each in invoices if each.status in OPEN)),
        }

    def end_state(self) -> dict[str, object]:
        """
        Give everything that a write can change, in a form that does not depend on the order of the writes.

        Ids are left out and rows are sorted by content; free text is compared without regard to case and
        spacing, because a client's name is the same in capitals.

        Returns:
            "balances": account -> euro; "transactions": one list of fields per row; "invoices": one
            object per invoice with its lines, its dates by status and its payments; "refused_repeats": how many
            writes were refused that had been carried out before, word for word. A refusal that is answered by
            another call leaves no trace.
        """
        return {
            "balances": {name: to_euro(cents) for name, cents in self._balances.items()},
            "transactions": sorted(each.state() for each in self._rows),
            "invoices": sorted((each.state() for each in self._invoices.values()), key=repr),
            "refused_repeats": self.writes.refused_repeats,
        }

    def _check_account(self, account: str) -> str:
        if account not in self._balances:
            raise ToolError(f"unknown account {account!r}; accounts: {listed(self._balances)}")
        return account

    def _check_funds(self, account: str, cents: int) -> None:
        held = self._balances[self._check_account(account)]
        if cents > held:
            raise ToolError(
                f"account {account!r} holds {euro_text(held)} and cannot pay {euro_text(cents)}; "
                "use another account or transfer money to it first"
            )

    def _find_invoice(self, invoice_id: str) -> InvoiceRecord:
        if invoice_id not in self._invoices:
            raise ToolError(f"unknown invoice {invoice_id!r}; invoices: {listed(self._invoices)}")
        return self._invoices[invoice_id]

    def _check_owed(self, invoice: InvoiceRecord) -> None:
        if invoice.status == "draft":
            raise ToolError(f"invoice {invoice.invoice_id!r} is a draft and cannot be paid; set it to 'sent' first")
        if invoice.status == "paid":
            raise ToolError(f"invoice {invoice.invoice_id!r} is already paid in full; nothing remains to be paid")

    def _pay(self, invoice: InvoiceRecord, *, cents: int, account: str, date: str) -> None:
        invoice.payments.append(
            self._book(date=date, kind="income", account=account, cents=cents, category="invoice", party=invoice.client)
        )
        if not invoice.remaining_cents:
            invoice.move_to("paid", date)

    def _book(self, *, date: str, kind: Kind, account: str, cents: int, category: Category, party: str) -> Row:
        row = Row(date=date, kind=kind, account=account, cents=cents, category=category, party=party)
        self._balances[account] += cents if kind in {"income", "transfer_in"} else -cents
        self._rows.append(row)
        return row


class AutumnLedger(Ledger):
    """The same books in the course of a September in which some expenses were recorded already."""

    def __init__(self) -> None:
        super().__init__()
        self.record_expense(amount=530.00, payee="Papier Brandt", category="supplies", date="2026-08-27")
        self.record_expense(amount=1_860.00, payee="Kaimauer Immobilien", category="rent", date="2026-09-01")
        self.record_expense(amount=411.60, payee="Holzhandel Wiek", category="supplies", date="2026-09-02")
        self.record_expense(amount=238.50, payee="Kuestenbahn", category="travel", date="2026-09-03")
