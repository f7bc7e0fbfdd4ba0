"""
Requests per second of the emulator on one core: the turns of a conversation of eight tool calls, and an SDK's share.

    python -m tests.benchmarks.bench_emulator [SECONDS]

The server runs in a process of its own, pinned to one core; clients load it over raw keep-alive connections, then by
the anthropic SDK, whose own cost shows who waits for whom.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TypedDict

from pytest_codeact import tool
from pytest_codeact.emulator import Emulator
from pytest_codeact.providers import Solution
from pytest_codeact.tools import Toolbox

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

TASK = "Put eight things on the shelf."


class Item(TypedDict):
    """One thing."""

    name: str
    count: int


class Shelf:
    """A world of one tool."""

    @tool
    def put(self, name: str, count: int) -> Item:
        """
        Put items on the shelf.

        Args:
            name: Their name.
            count: How many.
        """
        return {"name": name, "count": count}


def solve(tools: Any) -> Any:
    """Make eight calls, each of which needs the one before."""
    count = 1
    for name in ("a", "b", "c", "d", "e", "f", "g", "h"):
        count = tools.put(name=name, count=count)["count"]
    return count


BOX = Toolbox(Shelf())


def serve(pipe: Connection) -> None:
    """Serve on one core until the other end hangs up; tell where, and at the end the CPU seconds."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with Emulator() as emulator:
        emulator.learn(TASK, Solution(function=solve, parameters=BOX.parameters, read_only=BOX.read_only))
        pipe.send(emulator.url)
        while pipe.recv() == "cpu":
            pipe.send(time.process_time())


def bodies() -> list[bytes]:
    """Write the nine requests of the conversation."""
    tools = [{"name": s.name, "description": s.description, "input_schema": s.parameters} for s in BOX.specs]
    messages: list[dict[str, Any]] = [{"role": "user", "content": TASK}]
    found = []
    for number, name in enumerate("abcdefgh-", 1):
        request = {"model": "m", "max_tokens": 1000, "system": "Be brief.", "tools": tools, "messages": messages}
        found.append(json.dumps(request).encode())
        call_id, arguments = f"call{number:05d}", {"name": name, "count": 1}
        call = {"type": "tool_use", "id": call_id, "name": "put", "input": arguments}
        result = {"type": "tool_result", "tool_use_id": call_id, "content": json.dumps(arguments)}
        messages = [
            *messages,
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ]
    return found


def load(host: str, seconds: float, counts: list[int]) -> None:
    """Send the conversation over and over on one connection."""
    requests = bodies()
    connection = http.client.HTTPConnection(host)
    ends_at = time.perf_counter() + seconds
    count = 0
    while time.perf_counter() < ends_at:
        for body in requests:
            connection.request("POST", "/anthropic/v1/messages", body)
            response = connection.getresponse()
            response.read()
            if response.status != http.client.OK:
                raise RuntimeError(f"the emulator answered {response.status}")
            count += 1
    connection.close()
    counts.append(count)


def sdk(url: str, seconds: float) -> tuple[int, float]:
    """Send the conversation by the SDK; gives the requests and the client's CPU seconds."""
    import anthropic

    requests = [json.loads(body) for body in bodies()]
    count = 0
    with anthropic.Anthropic(base_url=f"{url}/anthropic", api_key="any", max_retries=0) as client:
        client.messages.create(**requests[0])
        began_s, ends_at = time.process_time(), time.perf_counter() + seconds
        while time.perf_counter() < ends_at:
            for request in requests:
                client.messages.create(**request)
                count += 1
    return count, time.process_time() - began_s


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,))
    server.start()
    url = here.recv()
    host = url.removeprefix("http://")

    def cpu_s() -> float:
        here.send("cpu")
        used: float = here.recv()
        return used

    load(host, 0.2, [])
    for connections in (1, 4):
        counts: list[int] = []
        before_s, began = cpu_s(), time.perf_counter()
        threads = [threading.Thread(target=load, args=(host, seconds, counts)) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took_s, used_s = time.perf_counter() - began, cpu_s() - before_s
        total = sum(counts)
        sys.stdout.write(
            f"raw, {connections} connections: {total / took_s:6.0f} req/s; server {used_s / total * 1e3:.2f} ms CPU "
            f"per request, so one core does {total / used_s:.0f}/s\n"
        )
    before_s = cpu_s()
    count, client_s = sdk(url, seconds)
    used_s = cpu_s() - before_s
    sys.stdout.write(
        f"anthropic SDK, 1 connection: {count / seconds:6.0f} requests/s; server {used_s / count * 1e3:.2f} ms CPU "
        f"per request, client {client_s / count * 1e3:.2f} ms\n"
    )
    here.send("end")
    server.join()


if __name__ == "__main__":
    main()
