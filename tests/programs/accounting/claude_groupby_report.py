from itertools import groupby
from operator import itemgetter

EXPENSES = """\
2026-01-05, Kaimauer Immobilien, rent, 1,860.00
2026-01-14, Stadtwerke Nordhafen, utilities, 236.10
2026-02-03, Werkzeug Harms, equipment, 1,495.00
2026-02-11, Plakat und Partner, marketing, 520.40
2026-03-06, Kanzlei Moewe, fees, 910.00
2026-03-13, Kuestenbahn, travel, 163.50"""

for raw in EXPENSES.splitlines():
    # maxsplit keeps the comma inside the amount together
    day, payee, category, amount = (part.strip() for part in raw.split(",", 3))
    record_expense(amount=float(amount.replace(",", "")), payee=payee, category=category, date=day)

rows = sorted(list_transactions(kind="expense"), key=itemgetter("date"))
months = {month: list(group) for month, group in groupby(rows, key=lambda row: row["date"][:7])}

width = max(len(row["party"]) for row in rows)
for month, group in months.items():
    print(month.center(width + 14, "="))
    for row in group:
        print(f"{row['party']:<{width}} | {row['amount']:>10.2f}")
    print(f"{'subtotal':>{width}} | {sum(map(itemgetter('amount'), group)):>10.2f}\n")

best, worst = (f(months, key=lambda m: sum(r["amount"] for r in months[m])) for f in (min, max))
{"cheapest": best, "dearest": worst, "months": len(months)}
