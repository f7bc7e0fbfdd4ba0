from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

T = TypeVar("T")


class Money(NamedTuple):
    cents: int

    @classmethod
    def of(cls, euro: float) -> Money:
        return cls(round(euro * 100))

    def __str__(self) -> str:
        sign = "-" if self.cents < 0 else ""
        return f"{sign}{abs(self.cents) // 100:,}.{abs(self.cents) % 100:02d} EUR"

    def __add__(self, other: object) -> Money:  # type: ignore[override]
        return Money(self.cents + other.cents) if isinstance(other, Money) else NotImplemented


@runtime_checkable
class Bookable(Protocol):
    def book(self, day: str) -> Money: ...


class Entry(ABC):
    def __init__(self, party: str, amount: float) -> None:
        self.party = party
        self.amount = amount

    @abstractmethod
    def book(self, day: str) -> Money: ...

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.party!r}, {self.amount!r})"


class Sale(Entry):
    def book(self, day: str) -> Money:
        return Money.of(record_income(self.amount, self.party, "sales", day)["amount"])


class Bill(Entry):
    def __init__(self, party: str, amount: float, category: str = "supplies") -> None:
        super().__init__(party, amount)
        self.category = category

    def book(self, day: str) -> Money:
        return Money(-Money.of(record_expense(self.amount, self.party, self.category, day)["amount"]).cents)


class Stack(Generic[T]):
    def __init__(self) -> None:
        self._items: list[T] = []

    def push(self, item: T) -> Stack[T]:
        self._items.append(item)
        return self

    def __iter__(self):
        while self._items:
            yield self._items.pop()

    def __len__(self) -> int:
        return len(self._items)


stack: Stack[Entry] = Stack()
stack.push(Sale("Buchladen Lesezeit", 4380.0)).push(Bill("Papier Brandt", 137.45)).push(Bill("Kuestenbahn", 118.6, "travel"))
print(len(stack), all(isinstance(each, Bookable) for each in (Sale("x", 1), Bill("y", 2))))
total = Money(0)
for entry in stack:
    booked = entry.book("2026-04-20")
    total += booked
    print(f"{entry!r:<45} {booked!s:>15}")
print("total", total, Money.__name__, total > Money(0))
try:
    Entry("x", 1)
except TypeError as error:
    print(type(error).__name__)
