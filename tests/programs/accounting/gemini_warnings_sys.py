import sys
import warnings
import time
import math

def legacy_total(rows):
    """Deprecated helper that is kept for compatibility."""
    warnings.warn("legacy_total is deprecated, use total", DeprecationWarning, stacklevel=2)
    return sum(r['amount'] for r in rows)

start_time = time.time()
sys.stdout.write("Booking...\n")
for index, amount in enumerate((12.5, 99.99, 0.01), start=1):
    record_expense(amount=amount, payee="Papier Brandt", category="supplies", date=f"2026-09-{index:02d}")
    sys.stdout.write(f"\r{index}/3")
    sys.stdout.flush()
print()

rows = list_transactions()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    total = legacy_total(rows)
print(len(caught), caught[0].category.__name__, str(caught[0].message))
warnings.filterwarnings("ignore", category=DeprecationWarning)
print(math.isclose(legacy_total(rows), total), sys.version_info >= (3, 8), sys.version_info.major, sys.maxsize > 2**32)
sys.setrecursionlimit(5000)
elapsed = time.time() - start_time
print(f"Done in {'under a minute' if elapsed < 60 else elapsed}", file=sys.stderr)
if total > 1000:
    sys.exit("too much money spent")
print(f"{total:.2f}", end="", flush=True)
