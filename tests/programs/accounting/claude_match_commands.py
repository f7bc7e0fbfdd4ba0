from dataclasses import dataclass
from typing import Any


@dataclass
class Income:
    payer: str
    amount: float
    category: str = "sales"


@dataclass
class Expense:
    payee: str
    amount: float
    category: str


@dataclass
class Move:
    source: str
    target: str
    amount: float


def apply(command: Any, day: str) -> str:
    match command:
        case Income(payer=payer, amount=amount) if amount <= 0:
            return f"ignored {payer}: nothing received"
        case Income(payer, amount, category):
            return record_income(amount=amount, payer=payer, category=category, date=day)["transaction_id"]
        case Expense(payee, amount, "rent" | "utilities" as category):
            record_expense(amount=amount, payee=payee, category=category, date=day)
            return f"{category} paid"
        case Expense(payee=str(payee), amount=float() | int() as amount):
            return record_expense(amount=amount, payee=payee, category="supplies", date=day)["category"]
        case Move(amount=amount) as move:
            result = transfer_funds(move.source, move.target, amount, day)
            return f"{result['from_balance']} -> {result['to_balance']}"
        case {"type": "status", **rest}:
            return f"status of {sorted(rest)}"
        case [first, *others]:
            return apply(first, day) + f" and {len(others)} more"
        case None:
            return "nothing"
        case _:
            raise TypeError(f"unknown command: {command!r}")


commands = [
    Income("Cafe Treibgut", 1265.5, "repairs"),
    Income("Nobody", 0),
    Expense("Kaimauer Immobilien", 1860.0, "rent"),
    Expense("Papier Brandt", 12, "other"),
    Move("operating", "tax", 500.0),
    {"type": "status", "account": "tax", "deep": True},
    [Income("Galerie Nordlicht", 10.0), None],
    None,
]
for command in commands:
    print(f"{type(command).__name__:>8}: {apply(command, '2026-04-15')}")
try:
    apply(3.5, "2026-04-15")
except TypeError as error:
    print(error)
