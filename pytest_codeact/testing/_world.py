"""
The tools that the programs of the suite are given, and a host that carries out their calls and keeps them.

Results are handed over as they are, not as copies: that a program cannot reach the host through one is the runtime's
to see to, and what the suite finds out.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from pytest_codeact.runtimes import CallReply

if TYPE_CHECKING:
    from pytest_codeact.records import Json


def _orders() -> list[Json]:
    states = ("paid", "open", "paid", "sent", "open")
    customers = ("Ada", "Ben", "Ada", "Cleo", "Ben")
    return [
        {
            "id": number,
            "customer": customer,
            "status": state,
            "total": 10.5 * number,
            "items": [{"sku": f"S{number}", "qty": number}, {"sku": "S9", "qty": 1}],
        }
        for number, (customer, state) in enumerate(zip(customers, states, strict=True), 1)
    ]


class World:
    """
    Five orders, and a count of charges that one tool alone changes.

    Every public method is a tool; an exception that it raises is the tool's error.
    """

    def __init__(self) -> None:
        self._stored = _orders()
        self._charges = 0

    def get_order(self, order_id: object) -> Json:
        """Give an order by its id, 1 to 5."""
        if isinstance(order_id, bool) or not isinstance(order_id, int) or not 1 <= order_id <= len(self._stored):
            raise LookupError(f"no order {order_id!r:.40}; known orders: 1 to {len(self._stored)}")
        return self._stored[order_id - 1]

    def get_order_async(self, order_id: object) -> Json:
        """Give an order by its id, for a program that awaits it."""
        return self.get_order(order_id)

    def list_orders(self) -> Json:
        """Give all orders."""
        return self._stored

    def raw_orders(self) -> Json:
        """Give all orders as the text of a JSON object."""
        return json.dumps({"orders": self._stored})

    def get_page(self, page: int = 0) -> Json:
        """Give a page of two orders' ids, and the number of the next page or None."""
        ids: list[Json] = [1, 2, 3, 4, 5]
        return {"items": ids[2 * page : 2 * page + 2], "next": page + 1 if 2 * page + 2 < len(ids) else None}

    def send_report(self, text: str, rows: Json = None) -> Json:
        """Send a report."""
        return {"sent": len(text), "rows": len(rows) if isinstance(rows, list) else 0}

    def echo(self, value: Json) -> Json:
        """Give back what is given."""
        return value

    def charge(self, order_id: object) -> Json:
        """Charge an order: the only tool that changes anything."""
        self.get_order(order_id)
        self._charges += 1
        return self._charges

    def raising_tool(self) -> Json:
        """Fail."""
        raise ValueError("the warehouse is closed")

    def exiting_tool(self) -> Json:
        """Fail as a tool does that tries to leave."""
        raise ValueError("the tool tried to exit")

    def weird_result(self) -> Json:
        """Fail as a tool does whose result is no JSON."""
        raise TypeError("weird_result returned an object, which is not JSON")

    def changes(self) -> str:
        """Say how the state differs from what it must be. "" if it does not."""
        return "" if self._stored == _orders() else "the orders were changed"

    @property
    def charges(self) -> int:
        """How many charges were made."""
        return self._charges


FUNCTIONS = (
    "get_order",
    "get_order_async",
    "list_orders",
    "raw_orders",
    "get_page",
    "send_report",
    "echo",
    "charge",
    "raising_tool",
    "exiting_tool",
    "weird_result",
    "final_answer",
)
"""The names of the tools, and `final_answer`."""


class Calls:
    """
    Carries out calls in a `World` and keeps them.

    Attributes:
        world: The world.
        made: The calls: name, positional and keyword arguments as they came. In order.
    """

    def __init__(self) -> None:
        self.world = World()
        self.made: list[tuple[str, list[Json], dict[str, Json]]] = []
        self._copies: list[Any] = []
        self._charged = 0

    def __call__(self, name: str, positional: list[Json], keywords: dict[str, Json]) -> CallReply:
        self.made.append((name, positional, keywords))
        self._copies.append(copy.deepcopy((positional, keywords)))
        if name == "final_answer":
            return CallReply(final=True)
        if name not in FUNCTIONS:
            return CallReply(error=f"unknown tool {name!r:.100}")
        try:
            value = getattr(self.world, name)(*positional, **keywords)
        except (LookupError, TypeError, ValueError) as error:
            return CallReply(error=str(error))
        self._charged += name == "charge"
        return CallReply(value=value)

    def problems(self) -> list[str]:
        """Say what was changed that no call changes: state, the count of charges, arguments after their call."""
        found = [self.world.changes()] if self.world.changes() else []
        if self.world.charges != self._charged:
            found.append(f"the count of charges is {self.world.charges} after {self._charged} calls of charge")
        if [(each[1], each[2]) for each in self.made] != self._copies:
            found.append("the arguments of a call were changed after it")
        return found
