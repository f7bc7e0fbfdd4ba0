import operator
from collections import ChainMap

# Dispatch table for the different kinds of bookings
handlers = {
    'income': lambda r: record_income(amount=r['amount'], payer=r['party'], category=r['category'], date=r['date']),
    'expense': lambda r: record_expense(amount=r['amount'], payee=r['party'], category=r['category'], date=r['date']),
    'transfer': lambda r, src='operating', dst='savings': transfer_funds(src, dst, r['amount'], r['date']),
}

bookings = [
    {'kind': 'income', 'amount': 5240.0, 'party': 'Buchladen Lesezeit', 'category': 'sales', 'date': '2026-01-19'},
    {'kind': 'expense', 'amount': 684.0, 'party': 'Lotse Versicherung', 'category': 'insurance', 'date': '2026-01-23'},
    {'kind': 'transfer', 'amount': 2000.0, 'date': '2026-01-31'},
    {'kind': 'gift', 'amount': 1.0, 'date': '2026-01-31'},
]
results = []
for booking in bookings:
    handler = handlers.get(booking['kind'], lambda r: {'skipped': r['kind']})
    results.append(handler(booking))

ops = {'+': operator.add, '-': operator.sub, '>': operator.gt}
print(ops['+'](results[0]['amount'], -results[1]['amount']), ops['>'](1, 2), results[-1])

defaults = {'account': 'operating', 'category': 'fees'}
settings = ChainMap({'category': 'travel'}, defaults)
print(settings['category'], settings['account'], dict(settings))

multipliers = [(lambda x, n=n: x * n) for n in range(1, 4)]
print([f(10) for f in multipliers], (lambda *a, **k: (a, k))(1, b=2))
compose = lambda *fs: (lambda x: compose(*fs[1:])(fs[0](x)) if fs else x)
print(compose(abs, lambda v: v + 1, str)(-41))
print(sorted(({'n': r.get('amount', 0), 'k': i} for i, r in enumerate(results)), key=lambda x: (-x['n'], x['k'])))
