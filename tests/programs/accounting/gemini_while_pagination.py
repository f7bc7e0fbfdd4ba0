# Simulate paging through the transactions, month by month
import datetime

for i in range(1, 13):
    record_expense(amount=10.0 * i, payee=f"Supplier {i:02d}", category='supplies', date=f'2026-{i:02d}-15')

current = datetime.date(2026, 1, 1)
end = datetime.date(2026, 12, 31)
pages = []
while current <= end:
    # Advance to the first day of next month
    if current.month == 12:
        next_month = datetime.date(current.year + 1, 1, 1)
    else:
        next_month = current.replace(month=current.month + 1)
    page = list_transactions(since=current.isoformat(), until=(next_month - datetime.timedelta(days=1)).isoformat())
    if not page:
        current = next_month
        continue
    pages.append((current.strftime('%B'), [t['amount'] for t in page]))
    current = next_month

for name, amounts in pages:
    print(f'{name:<10}', *amounts, sep=' | ')

flat = [amount for _, amounts in pages for amount in amounts]
print(sum(flat), len(pages), flat[::-3], flat[-2:], pages[0][1][0] == 10)

total = 0
index = 0
while True:
    if index >= len(flat) or total + flat[index] > 300:
        break
    total += flat[index]
    index += 1
else:
    print('never')
print(f'{index=} {total=}')
