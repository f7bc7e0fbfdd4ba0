import csv
import io
from collections import Counter, defaultdict
from statistics import fmean

RAW = """date,payee,category,amount
2026-03-02,Kaimauer Immobilien,rent,"1,860.00"
2026-03-09,Stadtwerke Nordhafen,utilities,214.35
2026-03-12,Wattline Telecom,internet,89.90
2026-03-20,Papier Brandt,supplies,137.45
"""

reader = csv.DictReader(io.StringIO(RAW))
print(reader.fieldnames)
stats = defaultdict(lambda: {"count": 0, "total": 0.0})
parties = Counter()
for line_no, row in enumerate(reader, 2):
    row["amount"] = float(row["amount"].replace(",", ""))
    tx = record_expense(**row)
    stats[row["category"]]["count"] += 1
    stats[row["category"]]["total"] += tx["amount"]
    parties.update(row["payee"].split())
    print(line_no, tx["transaction_id"], reader.line_num)

out = io.StringIO()
writer = csv.DictWriter(out, fieldnames=["category", "count", "total"], lineterminator="\n")
writer.writeheader()
writer.writerows({"category": c, **s} for c, s in sorted(stats.items(), key=lambda kv: -kv[1]["total"]))
print(out.getvalue())
print(parties.most_common(2), round(fmean(s["total"] for s in stats.values()), 3), dict(stats)["rent"])
