import math
import re

DATE_RE = re.compile(r"^\d{4}-\d{2}-\d{2}$")

def validate(amount, date, *, account="operating", allowed=("operating", "savings", "tax")):
    """Validate the arguments before anything is written."""
    errors = []
    if not isinstance(amount, (int, float)) or isinstance(amount, bool):
        errors.append(f"amount must be a number, got {type(amount).__name__}")
    elif not math.isfinite(amount) or amount <= 0:
        errors.append(f"amount must be positive and finite, got {amount}")
    if not isinstance(date, str) or not DATE_RE.match(date):
        errors.append(f"date must be YYYY-MM-DD, got {date!r}")
    if account not in allowed:
        errors.append(f"account must be one of {', '.join(allowed)}")
    if errors:
        raise ValueError("; ".join(errors))
    return True

cases = [
    (100.0, "2026-01-05", {}),
    ("100", "2026-01-05", {}),
    (-5, "05.01.2026", {"account": "cash"}),
    (float("nan"), None, {}),
    (True, "2026-01-05", {}),
]
for amount, date, extra in cases:
    try:
        validate(amount, date, **extra)
        tx = record_expense(amount=amount, payee="Papier Brandt", category="supplies", date=date)
        print("OK", tx["transaction_id"])
    except (ValueError, TypeError) as e:
        print("Invalid:", e)

try:
    validate(1.0, "2026-01-05", "savings")
except TypeError as e:
    print("TypeError:", e)
try:
    record_expense(amount=1.0, payee="X", category="groceries", date="2026-01-05")
except ToolError as e:
    print("Tool said no:", str(e)[:40])
