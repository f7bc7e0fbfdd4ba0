"""
What the books of the accounting scenarios hold: rows, invoices and money, and what may be written.

Money is euro. The tools take and return it as numbers with at most two decimals, as a person would write it;
inside it is a whole number of cents, so that no order of calls can make two sums of the same rows differ.
What comes in is rounded to the nearest cent.
"""

from __future__ import annotations

import functools
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Concatenate, Final, Literal, ParamSpec, Protocol, TypeAlias, TypedDict, TypeVar

from pytest_codeact import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ExpenseCategory: TypeAlias = Literal[
    "rent",
    "utilities",
    "internet",
    "supplies",
    "software",
    "equipment",
    "insurance",
    "marketing",
    "travel",
    "training",
    "fees",
]
IncomeCategory: TypeAlias = Literal["sales", "repairs", "courses"]
Category: TypeAlias = ExpenseCategory | IncomeCategory | Literal["invoice", "transfer"]
Kind: TypeAlias = Literal["income", "expense", "transfer_in", "transfer_out"]
InvoiceStatus: TypeAlias = Literal["draft", "sent", "overdue", "paid"]

OPEN: Final = ("sent", "overdue")
"""Statuses of invoices that the client owes: they count as receivables and can be paid."""


class Account(TypedDict):
    """One account. Both balances in euro."""

    account: str
    opening_balance: float
    balance: float


class Transaction(TypedDict):
    """One row of the books. `amount` is positive, in euro; `kind` gives its direction."""

    transaction_id: str
    date: str
    kind: Kind
    account: str
    amount: float
    category: Category
    party: str


class Transfer(TypedDict):
    """A transfer between two accounts and their balances after it, in euro."""

    from_account: str
    to_account: str
    amount: float
    from_balance: float
    to_balance: float


class InvoiceLine(TypedDict):
    """One line of an invoice. `quantity` in hours or pieces, `unit_price` in euro for one of them."""

    description: str
    quantity: float
    unit_price: float


class Invoice(TypedDict):
    """An invoice. `total`, `paid` and `remaining` in euro, paid + remaining = total."""

    invoice_id: str
    client: str
    lines: list[InvoiceLine]
    issued_on: str
    due_on: str
    status: InvoiceStatus
    total: float
    paid: float
    remaining: float


class FinancialSummary(TypedDict):
    """Income, expenses and their difference in euro, over a period; transfers are neither."""

    income: float
    expenses: float
    net: float
    transaction_count: int


class CategorySpending(TypedDict):
    """The expenses of one category in a period; `total` and `largest` (the largest single one) in euro."""

    category: ExpenseCategory
    total: float
    largest: float
    expense_count: int


class ReceivablesSummary(TypedDict):
    """All invoices together. Amounts in euro; `outstanding` leaves out drafts, `invoiced` does not."""

    invoice_count: int
    draft_count: int
    sent_count: int
    overdue_count: int
    paid_count: int
    invoiced: float
    collected: float
    outstanding: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    One row of the books.

    Attributes:
        date: Day, as YYYY-MM-DD.
        kind: Direction: the account gains by "income" and "transfer_in", it loses by the others.
        account: Name of the account.
        cents: Amount in cents, positive.
        category: What it was for.
        party: The other side: payer, payee, client, or the other account of a transfer.
    """

    date: str
    kind: Kind
    account: str
    cents: int
    category: Category
    party: str

    def transaction(self, number: int) -> Transaction:
        """Give the row as a tool returns it. `number` is its place in the books and starts at 1."""
        return {
            "transaction_id": f"TXN-{number:03}",
            "date": self.date,
            "kind": self.kind,
            "account": self.account,
            "amount": to_euro(self.cents),
            "category": self.category,
            "party": self.party,
        }

    def state(self) -> list[str | float]:
        """Give the row as it stands in an end state: no id, so that order does not matter."""
        return [self.date, self.kind, self.account, self.category, folded(self.party), to_euro(self.cents)]


@dataclass(slots=True, kw_only=True)
class InvoiceRecord:
    """
    One invoice.

    Attributes:
        invoice_id: Id, "INV-001" for the first.
        client: Name of the client.
        lines: What is billed, one entry per position, in the order given.
        issued_on: Day of the invoice, as YYYY-MM-DD.
        due_on: Last day to pay it, as YYYY-MM-DD.
        status: Where it is.
        status_dates: For each status it was moved to, the day of the move. Never holds "draft".
        payments: The rows that pay it, in the order they were recorded.
    """

    invoice_id: str
    client: str
    lines: list[InvoiceLine]
    issued_on: str
    due_on: str
    status: InvoiceStatus = "draft"
    status_dates: dict[InvoiceStatus, str] = field(default_factory=dict)
    payments: list[Row] = field(default_factory=list)

    @property
    def total_cents(self) -> int:
        """The sum of all lines, each rounded to cents."""
        return sum(to_cents(each["quantity"] * each["unit_price"]) for each in self.lines)

    @property
    def paid_cents(self) -> int:
        """The sum of all payments."""
        return sum(each.cents for each in self.payments)

    @property
    def remaining_cents(self) -> int:
        """What is still to be paid."""
        return self.total_cents - self.paid_cents

    def move_to(self, status: InvoiceStatus, day: str) -> None:
        """Set the status and keep the day."""
        self.status = status
        self.status_dates[status] = day

    def invoice(self) -> Invoice:
        """Give the invoice as a tool returns it."""
        return {
            "invoice_id": self.invoice_id,
            "client": self.client,
            "lines": [{**each} for each in self.lines],
            "issued_on": self.issued_on,
            "due_on": self.due_on,
            "status": self.status,
            "total": to_euro(self.total_cents),
            "paid": to_euro(self.paid_cents),
            "remaining": to_euro(self.remaining_cents),
        }

    def state(self) -> dict[str, object]:
        """Give the invoice as it stands in an end state: no id; lines and payments sorted by content."""
        return {
            "client": folded(self.client),
            "lines": sorted(
                [folded(each["description"]), float(each["quantity"]), float(each["unit_price"])] for each in self.lines
            ),
            "issued_on": self.issued_on,
            "due_on": self.due_on,
            "status": self.status,
            "status_dates": dict(sorted(self.status_dates.items())),
            "payments": sorted(each.state() for each in self.payments),
        }


class Period:
    """
    The days from `since` to `until`, both inclusive; an end that is None is open.

    Raises:
        ToolError: An end is not a day, or they are in the wrong order.
    """

    def __init__(self, since: str | None, until: str | None) -> None:
        self._since = "" if since is None else checked_day(since)
        self._until = "9999-12-31" if until is None else checked_day(until)
        if self._since > self._until:
            raise ToolError(f"since {since!r} is after until {until!r}; give the earlier day as since")

    def __contains__(self, day: str) -> bool:
        return self._since <= day <= self._until


class Writes:
    """
    The writes of a ledger, to tell one that is made twice even where the second is refused.

    Attributes:
        refused_repeats: Refused writes that equal one that was carried out.
    """

    def __init__(self) -> None:
        self.refused_repeats = 0
        self._carried_out: set[str] = set()

    @contextmanager
    def attempt(self, what: str) -> Iterator[None]:
        """
        Note a write that is being made.

        Args:
            what: The write with all its arguments; equal for equal writes.
        """
        try:
            yield
        except ToolError:
            self.refused_repeats += what in self._carried_out
            raise
        self._carried_out.add(what)


class HasWrites(Protocol):
    """Anything that keeps its writes."""

    writes: Writes


LedgerT = TypeVar("LedgerT", bound=HasWrites)
P = ParamSpec("P")
Result = TypeVar("Result")


def noting_repeats(
    method: Callable[Concatenate[LedgerT, P], Result],
) -> Callable[Concatenate[LedgerT, P], Result]:
    """Decorate a method that changes the books, so that one that is made twice is seen."""

    @functools.wraps(method)
    def noted(ledger: LedgerT, /, *args: P.args, **kwargs: P.kwargs) -> Result:
        with ledger.writes.attempt(f"{method.__name__} {args!r} {sorted(kwargs.items())!r}"):
            return method(ledger, *args, **kwargs)

    return noted


def to_cents(euro: float) -> int:
    """Round euro to the nearest cent."""
    return round(euro * 100)


def to_euro(cents: int) -> float:
    """Give cents as the float that is nearest to them in euro."""
    return cents / 100


def euro_text(cents: int) -> str:
    """Write cents as euro for an error message: 125000 is "1250.00"."""
    return f"{cents / 100:.2f}"


def listed(names: Iterable[str]) -> str:
    """Write names for an error message, "none" if there are none."""
    return ", ".join(repr(each) for each in names) or "none"


def folded(text: str) -> str:
    """Take case and spacing out of free text."""
    return " ".join(text.split()).casefold()


def positive_cents(parameter: str, euro: float) -> int:
    """
    Give an amount in cents.

    Raises:
        ToolError: It is less than one cent.
    """
    cents = to_cents(euro)
    if cents <= 0:
        raise ToolError(f"{parameter} {euro!r} is not positive; give it in euro, at least 0.01")
    return cents


def checked_line(line: InvoiceLine) -> InvoiceLine:
    """
    Give a copy of an invoice line.

    Raises:
        ToolError: Its description is blank, or a number is not positive.
    """
    checked_name("description", line["description"])
    if line["quantity"] <= 0:
        raise ToolError(f"quantity {line['quantity']!r} is not positive; give how many hours or pieces are billed")
    positive_cents("unit_price", line["unit_price"])
    return {**line}


def checked_name(parameter: str, name: str) -> str:
    """
    Give the name back.

    Raises:
        ToolError: It is blank.
    """
    if not name.strip():
        raise ToolError(f"{parameter} {name!r} is blank; give it as it was told to you")
    return name


def checked_day(text: str) -> str:
    """
    Give the day back.

    Raises:
        ToolError: It is not a day of the calendar in the form YYYY-MM-DD.
    """
    try:
        written = date.fromisoformat(text).isoformat()
    except ValueError:
        written = ""
    # fromisoformat also reads 20260331 and 2026-W14-2, which do not sort as text.
    if written != text:
        raise ToolError(f"{text!r} is not a day of the calendar; write it as YYYY-MM-DD, for example 2025-11-30")
    return text


def day_after(day: str, days: int) -> str:
    """
    Give the day so many days later.

    Raises:
        ToolError: There are fewer than none, or the calendar ends before.
    """
    if days < 0:
        raise ToolError(f"due_in_days {days!r} is negative; give 0 or more days from issued_on")
    try:
        return (date.fromisoformat(checked_day(day)) + timedelta(days=days)).isoformat()
    except OverflowError as error:
        raise ToolError(f"due_in_days {days!r} is beyond the calendar; give fewer days from issued_on") from error
