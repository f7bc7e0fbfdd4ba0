from itertools import accumulate, chain, count, cycle, islice, pairwise, product, takewhile, zip_longest

def batched(iterable, n):
    it = iter(iterable)
    while batch := tuple(islice(it, n)):
        yield batch

def running():
    """Coroutine style generator: send amounts, get the running total."""
    total = 0.0
    while True:
        amount = yield total
        if amount is None:
            return total
        total += amount

def delegating(log):
    result = yield from running()
    log.append(result)

bills = [(f"2026-01-{d:02d}", p, c, a) for d, (p, c, a) in zip(count(5, 7), [
    ("Kaimauer Immobilien", "rent", 1860.0), ("Stadtwerke", "utilities", 236.1), ("Lotse", "insurance", 684.0),
    ("Papier Brandt", "supplies", 20.0), ("Papier Brandt", "supplies", 22.5),
]) if d <= 31]
log = []
totals = delegating(log)
next(totals)
for number, batch in enumerate(batched(bills, 2), start=1):
    for date, payee, category, amount in batch:
        record_expense(amount, payee, category, date)
        current = totals.send(amount)
    print(f"batch {number}: {len(batch)} rows, running total {current:.2f}")
try:
    totals.send(None)
except StopIteration:
    print("finished with", log)

amounts = [t["amount"] for t in list_transactions(kind="expense")]
print(list(accumulate(amounts)), [round(b - a, 2) for a, b in pairwise(amounts)], list(takewhile(lambda a: a > 100, amounts)))
print(list(chain.from_iterable(zip_longest("ab", [1], fillvalue="-"))), list(islice(cycle("xy"), 3)), len(list(product("ab", repeat=3))))
