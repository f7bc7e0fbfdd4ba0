import asyncio
import time


async def month_result(month: str, last_day: int, semaphore: asyncio.Semaphore) -> tuple[str, float]:
    """Ask the books for one month, never more than two at a time."""
    async with semaphore:
        await asyncio.sleep(0.01)
        summary = await asyncio.to_thread(summarize_finances, since=f"{month}-01", until=f"{month}-{last_day:02d}")
        return month, summary["net"]


async def main() -> None:
    started = time.perf_counter()
    for day, payer, amount in [("2026-01-19", "Lesezeit", 5240.0), ("2026-02-19", "Treibgut", 3915.5)]:
        record_income(amount=amount, payer=payer, category="sales", date=day)
    record_expense(amount=1860.0, payee="Kaimauer", category="rent", date="2026-01-05")

    semaphore = asyncio.Semaphore(2)
    jobs = [month_result(month, days, semaphore) for month, days in [("2026-01", 31), ("2026-02", 28), ("2026-03", 31)]]
    results = dict(await asyncio.gather(*jobs))
    for month, net in results.items():
        print(f"{month}: {net:+,.2f}")

    async with asyncio.timeout(5):
        accounts = await asyncio.wait_for(asyncio.to_thread(list_accounts), timeout=2.0)
    print(sum(account["balance"] for account in accounts))

    failures = await asyncio.gather(
        asyncio.to_thread(record_payment, "INV-404", 10.0, "2026-03-01"),
        asyncio.to_thread(summarize_receivables),
        return_exceptions=True,
    )
    for outcome in failures:
        print(f"{type(outcome).__name__}: {outcome}" if isinstance(outcome, Exception) else outcome["invoice_count"])
    elapsed = time.perf_counter() - started
    print("fast enough" if elapsed < 60 else f"slow: {elapsed:.1f}s")
    final_answer({"best_month": max(results, key=results.get)})


if __name__ == "__main__":
    asyncio.run(main())
