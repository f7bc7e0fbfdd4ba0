# Step 1: Record the expenses
expenses_to_record = [
    {'amount': 1860.00, 'payee': 'Kaimauer Immobilien', 'category': 'rent', 'date': '2026-03-02'},
    {'amount': 214.35, 'payee': 'Stadtwerke Nordhafen', 'category': 'utilities', 'date': '2026-03-09'},
    {'amount': 89.90, 'payee': 'Wattline Telecom', 'category': 'internet', 'date': '2026-03-12'},
    {'amount': 137.45, 'payee': 'Papier Brandt', 'category': 'supplies', 'date': '2026-03-20'},
]

for expense in expenses_to_record:
    record_expense(**expense)

# Step 2: Get the total expenses for March
march_summary = summarize_finances(since='2026-03-01', until='2026-03-31')
total_expenses = march_summary['expenses']

# Step 3: Get the balance of the operating account
accounts = list_accounts()
operating_balance = 0.0
for account in accounts:
    if account['account'] == 'operating':
        operating_balance = account['balance']
        break
else:
    raise ValueError("Operating account not found")

# Step 4: Find the category with the highest spending
category_spending = summarize_spending(since='2026-03-01', until='2026-03-31')
largest_category = ''
max_spending = -1.0
for item in category_spending:
    if item['total'] > max_spending:
        max_spending, largest_category = item['total'], item['category']

print(f"{total_expenses=}, {operating_balance=}, {largest_category=}")

# Step 5: Provide the final answer
final_answer(answer={
    'total_expenses': total_expenses,
    'operating_balance': operating_balance,
    'largest_category': largest_category
})
