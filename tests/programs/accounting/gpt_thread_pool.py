import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

lock = threading.Lock()
progress = {"done": 0}
payments = [
    ("2026-04-01", "Planwerk Soft", "software", 248.00),
    ("2026-04-10", "Werkzeug Harms", "equipment", 736.80),
    ("2026-04-17", "Plakat und Partner", "marketing", 395.25),
    ("2026-04-28", "Kuestenbahn", "travel", 118.60),
]

def book(item):
    date, payee, category, amount = item
    result = record_expense(amount=amount, payee=payee, category=category, date=date)
    with lock:
        progress["done"] += 1
    return result

with ThreadPoolExecutor(max_workers=1) as pool:
    futures = {pool.submit(book, item): item[1] for item in payments}
    results = {}
    for future in as_completed(futures):
        name = futures[future]
        try:
            results[name] = future.result(timeout=10)
        except Exception as exc:
            print(f"{name} generated an exception: {exc}")
    totals = list(pool.map(lambda c: sum(s["total"] for s in summarize_spending() if s["category"] == c), ["software", "travel"]))

print(progress, sorted(results), totals)
bad = ThreadPoolExecutor(max_workers=1).submit(book, ("2026-13-01", "Nobody", "travel", 1.0))
print("exception:", bad.exception())
