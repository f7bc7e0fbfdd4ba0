# Define the expenses
expenses = [
    ("2026-03-02", "Kaimauer Immobilien", "rent", 1860.00),
    ("2026-03-09", "Stadtwerke Nordhafen", "utilities", 214.35),
    ("2026-03-12", "Wattline Telecom", "internet", 89.90),
    ("2026-03-20", "Papier Brandt", "supplies", 137.45)
]

# Record each expense
for date, payee, category, amount in expenses:
    record_expense(amount=amount, payee=payee, category=category, date=date, account='operating')

# Calculate total expenses
total_expenses = sum(expense[3] for expense in expenses)

# Get the operating account balance
operating_balance = [acc['balance'] for acc in list_accounts() if acc['account'] == 'operating'][0]

# Determine the largest category
category_totals = {}
for _, _, category, amount in expenses:
    if category in category_totals:
        category_totals[category] += amount
    else:
        category_totals[category] = amount
largest_category = max(category_totals, key=category_totals.get)

final_answer({"total_expenses": total_expenses, "operating_balance": operating_balance, "largest_category": largest_category})
