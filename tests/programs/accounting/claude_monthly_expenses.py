"""Book the running costs of March and report on them."""
from collections import defaultdict
from decimal import Decimal

# The four bills, exactly as given in the request
BILLS = [
    ("2026-03-02", "Kaimauer Immobilien", "rent", "1,860.00"),
    ("2026-03-09", "Stadtwerke Nordhafen", "utilities", "214.35"),
    ("2026-03-12", "Wattline Telecom", "internet", "89.90"),
    ("2026-03-20", "Papier Brandt", "supplies", "137.45"),
]


def parse_amount(text: str) -> float:
    """Turn '1,860.00' into 1860.0."""
    return float(Decimal(text.replace(",", "")))


totals: dict[str, float] = defaultdict(float)
for date, payee, category, amount_text in BILLS:
    amount = parse_amount(amount_text)
    row = record_expense(amount=amount, payee=payee, category=category, date=date, account="operating")
    totals[category] += amount
    print(f"  {row['transaction_id']}: {payee:<25} {category:<10} {amount:>10,.2f} EUR")

# Verify against the books rather than trusting our own arithmetic
summary = summarize_finances(since="2026-03-01", until="2026-03-31")
assert abs(summary["expenses"] - sum(totals.values())) < 0.01, "books and bills disagree"

operating = next(a for a in list_accounts() if a["account"] == "operating")
largest = max(totals, key=totals.get)

print(f"\nTotal expenses: {summary['expenses']:,.2f}")
print(f"Largest category: {largest} ({totals[largest] / summary['expenses']:.1%})")

final_answer({
    "total_expenses": summary["expenses"],
    "operating_balance": operating["balance"],
    "largest_category": largest,
})
