"""
A run of spenders: processes that ask a make-believe model through the gate, some of which are killed in the middle.

What was really billed is written into a file per process, one byte-exact line with one system call when the request is
sent and one when its price is drawn, so that the ledger is judged by something else than itself.
"""

from __future__ import annotations

import os
import random
import signal
import time
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_codeact.errors import BudgetError, ProviderError
from pytest_codeact.money import Bounds, Ledger, MoneyGate, Rate, Rates, Terms, read_totals
from pytest_codeact.providers import Reply, Request
from pytest_codeact.records import Message, Usage

if TYPE_CHECKING:
    from pytest_codeact.money import Totals

WORKERS = 8
DRAWS = 60
"""Requests of one process at most, unless its budget ends."""


def spend(directory: str, seed: int, worker: int, budget: int) -> None:
    """Be one process: ask until the budget refuses, or this process is killed."""
    draw = random.Random(f"{seed}/{worker}")
    prices = random.Random(seed)
    rates = Rates(
        input=Rate.of(prices.uniform(0.1, 20), ((300, prices.uniform(0.1, 40)),)),
        output=Rate.of(prices.uniform(1, 90)),
        source="drawn",
    )
    ledger = Ledger(Path(directory), Bounds(budget=budget), time.monotonic())
    gate = MoneyGate(ledger=ledger, terms=Terms(model="fake/x", rates=rates))
    billed = os.open(Path(directory) / f"billed-{worker}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    dies_at = draw.randrange(DRAWS) if draw.random() < 0.4 else None
    for index in range(DRAWS):
        text = "x" * draw.randrange(1, 800)
        request = Request(
            system="",
            messages=(Message(role="user", text=text),),
            tools=(),
            parallel_tool_calls=True,
            max_output_tokens=draw.randrange(1, 500),
        )
        try:
            admission = gate.admit(request)
        except BudgetError:
            break
        usage = Usage(
            input_tokens=draw.randrange(1, len(text) + 1),
            output_tokens=draw.randrange(1, request.max_output_tokens + 1),
        )
        if dies_at == index and draw.random() < 0.5:
            # Sent, perhaps, and not billed.
            os.kill(os.getpid(), signal.SIGKILL)
        fate = draw.random()
        is_billed = fate > 0.2 or fate < 0.1
        if is_billed:
            os.write(billed, f"{rates.price(usage)}\n".encode())
        if dies_at == index:
            os.kill(os.getpid(), signal.SIGKILL)
        if fate > 0.2:
            admission.settle(Reply(message=Message(role="assistant", text="y"), stop="end", usage=usage))
        elif fate < 0.1:
            admission.fail(ProviderError("cut off", is_billed=None))
        else:
            admission.fail(ProviderError("refused", is_billed=False))
    ledger.close()


def run_once(directory: Path, seed: int, *, forks: bool = False) -> tuple[int, int, Totals]:
    """
    Let eight processes spend.

    Args:
        directory: Of the run.
        seed: Of everything that is drawn.
        forks: Whether they are forks of this process, which starts them faster and must have no threads.

    Returns:
        The budget, what was really billed, in pico-dollars, and what the ledger says.
    """
    budget = random.Random(-seed - 1).randrange(10**10, 2 * 10**12)
    context = get_context("fork") if forks else get_context("spawn")
    workers = [context.Process(target=spend, args=(str(directory), seed, each, budget)) for each in range(WORKERS)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    billed = sum(int(line) for file in directory.glob("billed-*") for line in file.read_text().split())
    found = read_totals(directory)
    assert found is not None
    return budget, billed, found[0]
