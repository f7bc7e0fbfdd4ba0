import asyncio
from asyncio import Queue

async def producer(queue: Queue, jobs):
    for job in jobs:
        await queue.put(job)
    await queue.put(None)

async def consumer(queue: Queue, results: list):
    while (job := await queue.get()) is not None:
        name, kwargs = job
        try:
            results.append((name, record_income(**kwargs)["amount"]))
        except ToolError as e:
            results.append((name, f"failed: {e}"))
        queue.task_done()

class Session:
    async def __aenter__(self):
        print("open")
        return self
    async def __aexit__(self, *args):
        print("close", args[0])
        return False
    async def __aiter__(self):
        for account in list_accounts():
            yield account["account"]

async def countdown(n):
    while n:
        yield n
        n -= 1
        await asyncio.sleep(0)

async def main():
    queue = asyncio.Queue(maxsize=2)
    results = []
    jobs = [
        ("a", dict(amount=10.0, payer="A", category="sales", date="2026-01-01")),
        ("b", dict(amount=-1.0, payer="B", category="sales", date="2026-01-01")),
        ("c", dict(amount=30.0, payer="C", category="courses", date="2026-01-02")),
    ]
    await asyncio.gather(producer(queue, jobs), consumer(queue, results))
    print(results)
    async with Session() as session:
        print([name async for name in session], [n async for n in countdown(3) if n != 2])
    task = asyncio.create_task(asyncio.sleep(10))
    try:
        await asyncio.wait_for(task, timeout=0.05)
    except asyncio.TimeoutError:
        print("timed out", task.cancelled())
    done, pending = await asyncio.wait([asyncio.create_task(asyncio.sleep(0.01, "x"))])
    print(len(done), len(pending), done.pop().result())
    async with asyncio.TaskGroup() as group:
        first = group.create_task(asyncio.sleep(0.02, result="slow"))
        second = group.create_task(asyncio.sleep(0.01, result="fast"))
    print(first.result(), second.result())

asyncio.run(main())
