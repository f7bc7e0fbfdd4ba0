import datetime
from typing import Dict, List, Tuple

# --- Data Definition ---
income_data: List[Tuple[str, str, str, float]] = [
    ("2026-01-19", "Buchladen Lesezeit", "sales", 5240.00),
    ("2026-02-19", "Cafe Treibgut", "sales", 3915.50),
    ("2026-03-24", "Galerie Nordlicht", "repairs", 2760.00),
]
expense_data: List[Tuple[str, str, str, float]] = [
    ("2026-01-05", "Kaimauer Immobilien", "rent", 1860.00),
    ("2026-02-03", "Werkzeug Harms", "equipment", 1495.00),
    ("2026-03-06", "Kanzlei Moewe", "fees", 910.00),
]

# --- Record Transactions ---
for d, p, c, a in income_data:
    tools.record_income(amount=a, payer=p, category=c, date=d, account="operating")
for d, p, c, a in expense_data:
    tools.record_expense(amount=a, payee=p, category=c, date=d, account="operating")

invoice = tools.create_invoice(
    client="Kontor Vierling",
    lines=[{"description": "Office fit-out", "quantity": 95.0, "unit_price": 84.00}],
    issued_on="2026-02-16",
    due_in_days=30,
)
invoice_id = invoice["invoice_id"]
tools.update_invoice_status(invoice_id=invoice_id, status="sent", date="2026-02-16")
tools.update_invoice_status(invoice_id=invoice_id, status="paid", date="2026-03-18")

# --- Monthly Analysis ---
monthly_net: Dict[str, float] = {}
for month in range(1, 4):
    first_day = datetime.date(2026, month, 1)
    next_month = datetime.date(2026, month + 1, 1)
    last_day = next_month - datetime.timedelta(days=1)
    summary = tools.summarize_finances(since=str(first_day), until=str(last_day))
    monthly_net[first_day.strftime("%Y-%m")] = summary["net"]

best_month, best_month_net = max(monthly_net.items(), key=lambda kv: kv[1])
quarter = tools.summarize_finances(since="2026-01-01", until="2026-03-31")
tax_reserve = round(quarter["net"] * 0.20, 2)
transfer = tools.transfer_funds(from_account="operating", to_account="tax", amount=tax_reserve, date="2026-03-31")

print("Monthly net:", monthly_net)
print("Best month:", best_month, best_month_net)

tools.final_answer({
    "income": quarter["income"],
    "expenses": quarter["expenses"],
    "net": quarter["net"],
    "best_month": best_month,
    "best_month_net": best_month_net,
    "tax_reserve": transfer["amount"],
    "operating_balance": transfer["from_balance"],
})
