from typing import Any, Union, Optional, Callable
from collections.abc import Iterable, Mapping, Sequence

def describe(value: Any, depth: int = 0) -> str:
    pad = '  ' * depth
    if value is None:
        return f'{pad}null'
    if isinstance(value, bool):
        return f'{pad}bool {value}'
    if isinstance(value, (int, float)):
        return f'{pad}{type(value).__name__} {value}'
    if isinstance(value, str):
        return f'{pad}str({len(value)})'
    if isinstance(value, Mapping):
        inner = '\n'.join(f'{pad}{k}:\n{describe(v, depth + 1)}' for k, v in value.items())
        return f'{pad}{value.__class__.__name__} of {len(value)}\n{inner}'
    if isinstance(value, Sequence):
        return f'{pad}sequence[{len(value)}]\n' + describe(value[0] if value else None, depth + 1)
    if callable(value):
        return f'{pad}function {value.__name__}'
    return f'{pad}{value!r}'

invoice = create_invoice(client='Hotel Seebrise', issued_on='2026-04-07',
                         lines=[{'description': 'Installation', 'quantity': 14, 'unit_price': 54.5}])
print(describe(invoice))
print(describe(record_income), describe({}), describe([]), describe(None), describe(True))
print(isinstance(invoice, dict), type(invoice) is dict, type(invoice) == dict, issubclass(bool, int), callable(print))
print(isinstance(3, int | str), type(3).__name__, type(invoice['total']), isinstance([], Iterable), type(None))
first: Optional[Union[int, float]] = invoice.get('missing', 0) or invoice['total']
callback: Callable[[float], str] = '{:.1f}'.format
print(callback(first), hasattr(invoice, 'items'), getattr(invoice, 'nothing', 'fallback'), id(invoice) == id(invoice))
try:
    invoice.total
except AttributeError as e:
    print(f'AttributeError: {e}')
try:
    len(5)
except TypeError as e:
    print(f'{type(e).__name__}: {e}')
