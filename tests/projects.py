"""Texts of the small project that integration tests run."""

from __future__ import annotations

CONFIG = """
[tool.pytest]
strict = true
filterwarnings = ["error"]
"""

SHELF = '''
"""Two tasks over a shelf."""

from typing import TypedDict

import pytest

from pytest_codeact import ToolError, tool


class Item(TypedDict):
    """Things of one name."""

    name: str
    count: int


class Shelf:
    def __init__(self) -> None:
        self.items = {"cup": 2}

    @tool(read_only=True)
    def look(self, name: str) -> Item:
        """
        Look items up.

        Args:
            name: Their name.
        """
        if name not in self.items:
            raise ToolError(f"no item {name!r}")
        return {"name": name, "count": self.items[name]}

    @tool
    def put(self, name: str, count: int = 1) -> Item:
        """
        Put items on the shelf.

        Args:
            name: Their name.
            count: How many.
        """
        self.items[name] = self.items.get(name, 0) + count
        return self.look(name)

    def end_state(self) -> dict[str, int]:
        return dict(self.items)


def fill(tools):
    tools.put(name="pot", count=3)
    tools.put(name="pan", count=1)
    return sum(tools.look(name=name)["count"] for name in ("cup", "pot", "pan"))


@pytest.mark.scenario("Put 3 pots and a pan on the shelf. How many items?", tools=Shelf, reference=fill, answer=int)
def test_fill(codeact_trial, codeact_snapshot):
    assert codeact_trial.outcome == codeact_snapshot


def double(tools):
    count = tools.look(name="cup")["count"]
    return tools.put(name="cup", count=count)["count"]


@pytest.mark.scenario("Double the cups. How many are there now?", tools=Shelf, reference=double, answer=int)
def test_double(codeact_trial, codeact_snapshot):
    assert codeact_trial.outcome == codeact_snapshot
'''

SNAPSHOTS = {
    "test_double": '{\n  "answer": 4,\n  "ended": "answered",\n  "state": {\n    "cup": 4\n  }\n}\n',
    "test_fill": (
        '{\n  "answer": 6,\n  "ended": "answered",\n  "state": {\n    "cup": 2,\n    "pan": 1,\n    "pot": 3\n  }\n}\n'
    ),
}


def reference_client(arguments: str) -> str:
    """Write a conftest whose model is the reference model, made with arguments of the test's own."""
    return f"""
import pytest
from pytest_codeact.providers import Solution
from pytest_codeact.providers.reference import ReferenceModel

@pytest.fixture
def codeact_client(codeact_scenario, codeact_tools):
    solution = Solution(
        function=codeact_scenario.reference,
        parameters=codeact_tools.parameters,
        read_only=codeact_tools.read_only,
    )
    return ReferenceModel(solution=solution, {arguments})
"""


KEEP_RECORDS = """

def pytest_runtest_logreport(report):
    if hasattr(report, "codeact"):
        with open("records.jsonl", "a") as file:
            file.write(report.codeact + "\\n")
"""
"""Text for a conftest: the controller writes each record into a file as it comes in."""


NO_SOCKETS = """
import socket
import sys

class Refused(Exception):
    pass

if "--codeact-mode=replay" in sys.argv or "replaying" in sys.argv:
    class NoSocket(socket.socket):
        def connect(self, address):
            raise Refused(address)

        def connect_ex(self, address):
            raise Refused(address)

    socket.socket = NoSocket

    def no_connection(*args, **kwargs):
        raise Refused(args)

    socket.create_connection = socket.getaddrinfo = no_connection


def pytest_sessionfinish(session):
    packages = ("anthropic", "mistralai", "openai", "google.genai", "tenacity", "genai_prices", "httpx", "httpx2")
    with open("imported.txt", "a") as file:
        file.write(repr([name for name in packages if name in sys.modules]) + "\\n")
"""
"""Text for a conftest: a replay may open no socket; what of live runs was imported is appended to a file at the end."""
