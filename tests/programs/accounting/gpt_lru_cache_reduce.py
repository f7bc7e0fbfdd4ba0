from functools import lru_cache, partial, reduce
import operator
from collections import OrderedDict, deque, namedtuple

calls = []

@lru_cache(maxsize=None)
def net_of(month: str) -> float:
    calls.append(month)
    last = {"01": 31, "02": 28, "03": 31}[month[-2:]]
    return summarize_finances(since=f"{month}-01", until=f"{month}-{last}")["net"]

Receipt = namedtuple("Receipt", ["date", "payer", "category", "amount"])
receipts = [
    Receipt("2026-01-19", "Buchladen Lesezeit", "sales", 5240.00),
    Receipt("2026-02-19", "Cafe Treibgut", "sales", 3915.50),
    Receipt("2026-03-24", "Galerie Nordlicht", "repairs", 2760.00),
]
income = partial(record_income, account="operating")
for r in receipts:
    income(amount=r.amount, payer=r.payer, category=r.category, date=r.date)

total = reduce(operator.add, map(operator.attrgetter("amount"), receipts), 0.0)
months = OrderedDict((m, net_of(m)) for m in ("2026-01", "2026-02", "2026-03"))
best = max(months.items(), key=operator.itemgetter(1))
assert net_of("2026-01") == months["2026-01"]
recent = deque(maxlen=2)
recent.extend(months)
print(f"total={total:.2f} best={best} cached={net_of.cache_info().hits} calls={calls}")
print(list(recent), receipts[0]._fields, receipts[0]._replace(amount=1), Receipt._make("abcd"))
months.move_to_end("2026-01")
print(list(months))
