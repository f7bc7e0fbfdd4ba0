from collections import Counter, defaultdict
import statistics as st

data = [
    ('2026-01-05', 'rent', 1860.00), ('2026-01-14', 'utilities', 236.10), ('2026-01-23', 'insurance', 684.00),
    ('2026-02-05', 'rent', 1860.00), ('2026-02-14', 'utilities', 219.90), ('2026-02-24', 'training', 375.00),
]
for date, category, amount in data:
    record_expense(amount=amount, payee=f'Payee of {category}', category=category, date=date)

rows = list_transactions()
by_month = defaultdict(list)
[by_month[row['date'][:7]].append(row) for row in rows]
matrix = {m: {r['category']: r['amount'] for r in rs} for m, rs in by_month.items()}
categories = sorted({c for row in matrix.values() for c in row})
print('month'.ljust(8), *(c.rjust(10) for c in categories))
for m in sorted(matrix):
    print(m.ljust(8), *(f'{matrix[m].get(c, 0):10.2f}' for c in categories))

counts = Counter(r['category'] for r in rows)
print(counts.most_common(2), counts['nothing'], +counts == counts, sum(counts.values()))
print([y for x in range(3) if (y := x * x) % 2 == 0], any((hit := r)['amount'] > 1000 for r in rows), hit['party'])
print(st.mean([r['amount'] for r in rows]), st.pstdev([1, 2, 3]), st.mode('aab'), st.median_low([1, 2, 3, 4]))
print({**matrix['2026-01'], 'extra': 1}.keys() - matrix['2026-02'].keys() == {'insurance', 'extra'})
print(list(zip(*[(1, 'a'), (2, 'b')])), dict(zip(categories, range(9))), max(matrix, key=lambda m: sum(matrix[m].values())))
a, *rest, z = categories
print(a, rest, z, [*rest, *'xy'], (lambda d: d | {'k': 0})({'j': 1}))
