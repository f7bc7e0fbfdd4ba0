import os
import sys

DEBUG = os.environ.get("DEBUG", "0") == "1"
REPORT_NAME = os.path.join("reports", "march" + os.extsep + "txt") if hasattr(os, "extsep") else "march.txt"

def check(rows):
    if not rows:
        print("No transactions to report", file=sys.stderr)
        sys.exit(2)
    return rows

if DEBUG:
    print("debugging")
print(os.path.basename(REPORT_NAME), os.path.splitext(REPORT_NAME)[1], os.linesep == "\n", os.sep)
record_expense(amount=1.5, payee="Papier Brandt", category="supplies", date="2026-03-20")
check(list_transactions(kind="expense"))
check(list_transactions(kind="income"))
print("unreachable")
