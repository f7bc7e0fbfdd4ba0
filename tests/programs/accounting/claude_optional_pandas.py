# Prefer pandas if it is installed, otherwise fall back to the standard library.
try:
    import pandas as pd
    HAS_PANDAS = True
except ImportError:
    pd = None
    HAS_PANDAS = False

import statistics
from collections import Counter

for day, payee, category, amount in [
    ("2026-04-01", "Planwerk Soft", "software", 248.0),
    ("2026-04-10", "Werkzeug Harms", "equipment", 736.8),
    ("2026-04-17", "Plakat und Partner", "marketing", 395.25),
    ("2026-04-28", "Kuestenbahn", "travel", 118.6),
    ("2026-04-29", "Kuestenbahn", "travel", 21.4),
]:
    record_expense(amount=amount, payee=payee, category=category, date=day)

rows = list_transactions(kind="expense", since="2026-04-01", until="2026-04-30")
if HAS_PANDAS and pd is not None:
    frame = pd.DataFrame(rows)
    by_category = frame.groupby("category")["amount"].sum().to_dict()
else:
    by_category = Counter()
    for row in rows:
        by_category[row["category"]] += row["amount"]

for category, total in by_category.most_common(3):
    print(f"{category:10s} {total:8.2f} {'#' * round(total / 50)}")
amounts = [row["amount"] for row in rows]
print(
    f"mean {statistics.mean(amounts):.2f}, median {statistics.median(amounts):.2f}, "
    f"stdev {statistics.stdev(amounts):.2f}, quartiles {[round(q, 2) for q in statistics.quantiles(amounts, n=4)]}"
)
