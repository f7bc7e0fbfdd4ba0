from __future__ import annotations

import typing as t
from typing import (
    Any, Callable, Dict, Generic, List, Literal, NamedTuple, NotRequired, Optional, Protocol, Tuple, TypedDict, TypeVar, Union,
    cast, get_args, get_origin, overload,
)

T = TypeVar("T")
Id = t.NewType("Id", int)
Mode = Literal["a", "b"]


class Order(TypedDict):
    id: int
    lines: list[Line]
    note: NotRequired[str]


class Line(TypedDict, total=False):
    sku: str


class Row(NamedTuple):
    id: int
    name: str = "n"

    def label(self) -> str:
        return f"{self.id}:{self.name}"


class Stack(Generic[T]):
    def __init__(self) -> None:
        self._items: List[T] = []

    def push(self, item: T) -> Stack[T]:
        self._items.append(item)
        return self

    def pop(self) -> Optional[T]:
        return self._items.pop() if self._items else None


class Named(Protocol):
    name: str


def total(orders: List[Order], key: Callable[[Order], float] = lambda o: o["id"]) -> float:
    result: float = 0.0
    for order in orders:
        result += key(order)
    return result


order: Order = {"id": 1, "lines": [{"sku": "a"}]}
row = Row(1)
maybe: Optional[Dict[str, Any]] = None
print(total([order, {"id": 2, "lines": []}]), row, row.label(), row._asdict(), Stack().push(1).push(2).pop(), Id(5), maybe)
print(Mode, get_args(Mode), get_origin(Union[int, str]) is Union, cast(int, "x"), Tuple[int, ...], type[int] is not None)
print(Order(id=3, lines=[]), Order.__annotations__.keys(), isinstance(row, tuple), t.TYPE_CHECKING)
