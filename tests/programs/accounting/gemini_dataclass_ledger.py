import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar, List, Optional


@dataclass(order=True)
class Posting:
    sort_index: tuple = field(init=False, repr=False)
    date: str
    amount: float
    party: str = ""
    tags: List[str] = field(default_factory=list, compare=False)
    counter: ClassVar[int] = 0

    def __post_init__(self):
        self.sort_index = (self.date, -self.amount)
        type(self).counter += 1

    @classmethod
    def from_row(cls, row: dict) -> "Posting":
        return cls(date=row["date"], amount=row["amount"], party=row["party"], tags=[row["kind"]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    title: str
    postings: tuple[Posting, ...] = ()
    note: Optional[str] = None

    @property
    def total(self) -> float:
        return sum(p.amount for p in self.postings)


record_expense(amount=520.40, payee="Plakat und Partner", category="marketing", date="2026-02-11")
record_expense(amount=1495.00, payee="Werkzeug Harms", category="equipment", date="2026-02-03")
record_income(amount=3915.50, payer="Cafe Treibgut", category="sales", date="2026-02-11")

postings = sorted(Posting.from_row(row) for row in list_transactions())
report = Report(title="February", postings=tuple(postings))
print(report.title, report.total, Posting.counter)
for p in report.postings:
    print(p, dataclasses.astuple(p)[1:3])
changed = dataclasses.replace(report, note="checked")
print(changed.note, changed == report, [f.name for f in dataclasses.fields(Report)])
try:
    report.title = "March"
except dataclasses.FrozenInstanceError as e:
    print("FrozenInstanceError:", e)
print(dataclasses.asdict(Report(title="x", postings=(Posting("2026-01-01", 1.0),))))
