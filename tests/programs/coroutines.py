import asyncio


async def fetch(i, delay=0.0):
    await asyncio.sleep(delay)
    return i * 10


async def numbers(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


class Session:
    async def __aenter__(self):
        print("session")
        return self

    async def __aexit__(self, *details):
        print("end of session")

    def __aiter__(self):
        self.left = 2
        return self

    async def __anext__(self):
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self.left


async def guarded(semaphore, i):
    async with semaphore:
        return await fetch(i)


async def failing():
    await asyncio.sleep(0)
    raise ValueError("late")


async def worker(queue, done):
    while True:
        item = await queue.get()
        done.append(item)
        queue.task_done()


async def main():
    print(await asyncio.gather(fetch(1, 0.02), fetch(2, 0.01), fetch(3)))
    print([i async for i in numbers(3)], {i: i async for i in numbers(2)}, [await fetch(i) for i in range(2)])
    async with Session() as session:
        async for left in session:
            print("left", left)
    semaphore = asyncio.Semaphore(2)
    tasks = [asyncio.create_task(guarded(semaphore, i)) for i in range(4)]
    print(await asyncio.gather(*tasks), tasks[0].done(), tasks[0].result())
    results = await asyncio.gather(fetch(1), failing(), return_exceptions=True)
    print([repr(r) for r in results])
    try:
        await asyncio.gather(fetch(1), failing())
    except ValueError as error:
        print("gathered", error)
    try:
        await asyncio.wait_for(fetch(1, 5), timeout=0.01)
    except asyncio.TimeoutError:
        print("timed out")
    print(await asyncio.wait_for(fetch(2, 0.001), timeout=5))
    order = []
    for future in asyncio.as_completed([fetch(1, 0.03), fetch(2, 0.01)]):
        order.append(await future)
    print(order)
    done, pending = await asyncio.wait([asyncio.create_task(fetch(5))])
    print(len(done), len(pending), done.pop().result())
    queue, taken = asyncio.Queue(), []
    consumers = [asyncio.create_task(worker(queue, taken)) for _ in range(2)]
    for i in range(4):
        queue.put_nowait(i)
    await queue.join()
    for consumer in consumers:
        consumer.cancel()
    print(sorted(taken), await asyncio.to_thread(len, "abc"))
    async with asyncio.TaskGroup() as group:
        one, two = group.create_task(fetch(1)), group.create_task(fetch(2))
    print(one.result() + two.result())
    event = asyncio.Event()

    async def waiter():
        await event.wait()
        return "woken"

    waiting = asyncio.create_task(waiter())
    await asyncio.sleep(0)
    event.set()
    lock = asyncio.Lock()
    async with lock:
        print(await waiting, lock.locked())
    try:
        raise asyncio.CancelledError
    except asyncio.CancelledError:
        print("cancelled")
    return "finished"


print(asyncio.run(main()))
