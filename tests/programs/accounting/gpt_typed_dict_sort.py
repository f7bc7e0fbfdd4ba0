from __future__ import annotations
from typing import Final, Literal, NotRequired, TypedDict, cast, get_args

Kind = Literal["income", "expense"]
KINDS: Final = get_args(Kind)

class Movement(TypedDict):
    date: str
    party: str
    amount: float
    category: str
    note: NotRequired[str]

movements: list[tuple[Kind, Movement]] = [
    ("expense", {"date": "2026-04-10", "party": "Werkzeug Harms", "amount": 736.80, "category": "equipment"}),
    ("income", Movement(date="2026-04-03", party="Buchladen Lesezeit", amount=4380.0, category="sales")),
    ("expense", {"date": "2026-04-10", "party": "Anker", "amount": 36.80, "category": "training", "note": "late"}),
]
order = {kind: index for index, kind in enumerate(KINDS)}
for kind, movement in sorted(movements, key=lambda pair: (pair[1]["date"], order[pair[0]], -pair[1]["amount"])):
    if kind == "income":
        row = record_income(movement["amount"], movement["party"], movement["category"], movement["date"])
    else:
        row = record_expense(movement["amount"], movement["party"], cast(str, movement["category"]), movement["date"])
    print(row["transaction_id"], row["date"], row["kind"], movement.get("note", "-"))

rows: list[Transaction] = list_transactions()
rows.sort(key=lambda r: r["party"].casefold(), reverse=True)
print([r["party"] for r in rows])
by_kind: dict[str, list[float]] = {}
for r in rows:
    by_kind.setdefault(r["kind"], []).append(r["amount"])
print({k: (len(v), max(v), min(v)) for k, v in sorted(by_kind.items())})
print(KINDS, Movement.__name__, sorted(Movement.__annotations__))
