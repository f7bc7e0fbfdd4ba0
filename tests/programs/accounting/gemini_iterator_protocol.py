class TransactionStream:
    """Iterates over the transactions of one account, lazily."""
    def __init__(self, account, page_size=2):
        self.account = account
        self.page_size = page_size
        self._rows = None
        self._position = 0

    def __iter__(self):
        self._position = 0
        return self

    def __next__(self):
        if self._rows is None:
            self._rows = list_transactions(account=self.account)
        if self._position >= len(self._rows):
            raise StopIteration
        page = self._rows[self._position:self._position + self.page_size]
        self._position += self.page_size
        return page

    def __reversed__(self):
        return reversed(list_transactions(account=self.account))

    def __getitem__(self, key):
        rows = list_transactions(account=self.account)
        if isinstance(key, slice):
            return [r['amount'] for r in rows[key]]
        return rows[key]['amount']

    def __call__(self, kind):
        return sum(r['amount'] for r in list_transactions(account=self.account, kind=kind))

class Totals(dict):
    def __missing__(self, key):
        value = self[key] = list_transactions(account=key)[0]['amount'] if key != 'none' else 0
        return value

for n in range(1, 6):
    transfer_funds('savings', 'tax', n * 100.0, f'2026-07-{n:02d}')
stream = TransactionStream('tax')
for number, page in enumerate(stream):
    print(number, [r['amount'] for r in page])
print(stream[0], stream[-1], stream[1:4], stream('transfer_in'), [r['amount'] for r in reversed(stream)][:2])
totals = Totals()
print(totals['tax'], totals['none'], totals, next(iter([]), 'end'), sum(1 for _ in stream))
it = iter(stream)
print(next(it)[0]['party'], [len(p) for p in it], list(iter(lambda c=[0]: c.__setitem__(0, c[0] + 1) or c[0], 3)))
