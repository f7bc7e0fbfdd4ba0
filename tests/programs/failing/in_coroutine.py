import asyncio


async def inner():
    raise LookupError("deep")


async def main():
    await inner()


asyncio.run(main())
