from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Iterable


@dataclass(frozen=True)
class Line:
    description: str
    quantity: float
    unit_price: float

    def __post_init__(self) -> None:
        if self.quantity <= 0 or self.unit_price <= 0:
            raise ValueError(f"line {self.description!r} must be positive")

    @property
    def total(self) -> float:
        return round(self.quantity * self.unit_price, 2)


@dataclass
class Draft:
    client: str
    issued_on: date
    due_in_days: int = 30
    lines: list[Line] = field(default_factory=list)

    def add(self, description: str, quantity: float, unit_price: float) -> Draft:
        self.lines.append(Line(description, quantity, unit_price))
        return self

    @property
    def due_on(self) -> date:
        return self.issued_on + timedelta(days=self.due_in_days)

    def submit(self) -> dict:
        return create_invoice(
            client=self.client,
            lines=[asdict(line) for line in self.lines],
            issued_on=self.issued_on.isoformat(),
            due_in_days=self.due_in_days,
        )


def total_of(lines: Iterable[Line]) -> float:
    return round(sum(line.total for line in lines), 2)


hotel = Draft("Hotel Seebrise", date(2026, 4, 7)).add("Cabinet making", 62, 68.0).add("Installation", 14, 54.5)
practice = Draft("Praxis Amsel", date(2026, 4, 7), due_in_days=14)
practice.add("Shelf design", 35, 72.0).add("Site visit", 6, 95.0)

for draft in (hotel, practice):
    invoice = draft.submit()
    print(f"{invoice['invoice_id']}: {draft!r}"[:90])
    assert invoice["total"] == total_of(draft.lines), (invoice["total"], total_of(draft.lines))
    assert invoice["due_on"] == draft.due_on.isoformat()

try:
    Draft("Nobody", date(2026, 1, 1)).add("nothing", 0, 1.0)
except ValueError as error:
    print(f"rejected as expected: {error}")

sent = update_invoice_status(invoice_id="INV-001", status="sent", date="2026-04-07")
receivables = summarize_receivables()
final_answer(
    answer={
        "sent_total": sent["total"],
        "sent_due_on": sent["due_on"],
        "draft_total": list_invoices(status="draft")[0]["total"],
        "outstanding": receivables["outstanding"],
    }
)
