import asyncio


async def double(x):
    return x * 2


x = await double(4)
print(x, await asyncio.gather(double(1), double(2)))
lock = asyncio.Lock()
async with lock:
    print([await double(i) for i in range(3)])
await double(21)
