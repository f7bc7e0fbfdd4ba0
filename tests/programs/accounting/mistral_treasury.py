def get_balances():
    balances = {}
    for account in list_accounts():
        balances[account["account"]] = account["balance"]
    return balances

# 1. Income from Werft Hansen
record_income(amount=9450.00, payer="Werft Hansen", category="sales", date="2026-05-05", account="operating")
# 2. Move to savings
transfer_funds(from_account="operating", to_account="savings", amount=14000.00, date="2026-05-06")
# 3. Planer
record_expense(amount=3275.50, payee="Werkzeug Harms", category="equipment", date="2026-05-19", account="operating")
# 4. Adjust
target = 8000.00
balances = get_balances()
difference = round(target - balances["operating"], 2)
print("Difference:", difference)
if difference > 0:
    transfer_funds(from_account="savings", to_account="operating", amount=difference, date="2026-05-29")
elif difference < 0:
    transfer_funds(from_account="operating", to_account="savings", amount=-difference, date="2026-05-29")
else:
    pass
balances = get_balances()
total = sum(balances.values())
assert balances["operating"] == target
final_answer({
    "adjustment": abs(difference),
    "operating_balance": balances["operating"],
    "savings_balance": balances["savings"],
    "total_balance": round(total, 2)
})
