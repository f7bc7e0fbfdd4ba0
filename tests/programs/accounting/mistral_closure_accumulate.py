from functools import wraps, total_ordering, singledispatchmethod, cached_property

def logged(prefix="call"):
    def decorator(fn):
        @wraps(fn)
        def inner(*args, **kwargs):
            inner.count += 1
            print(f"{prefix} #{inner.count}: {fn.__name__}{args}")
            return fn(*args, **kwargs)
        inner.count = 0
        return inner
    return decorator

@total_ordering
class Amount:
    def __init__(self, value):
        self.value = round(value, 2)
    def __eq__(self, other):
        return self.value == other.value
    def __lt__(self, other):
        return self.value < other.value
    def __add__(self, other):
        return Amount(self.value + getattr(other, "value", other))
    __radd__ = __add__
    def __neg__(self):
        return Amount(-self.value)
    def __float__(self):
        return float(self.value)
    def __int__(self):
        return int(self.value)
    def __round__(self, digits=0):
        return round(self.value, digits)
    def __repr__(self):
        return f"Amount({self.value})"
    @cached_property
    def cents(self):
        print("computing")
        return round(self.value * 100)

@logged("expense")
def spend(amount, payee):
    return Amount(record_expense(amount=float(amount), payee=payee, category="supplies", date="2026-03-27")["amount"])

booked = [spend(Amount(208), "Papier Brandt"), spend(12.345, "Holz Jansen")]
print(sum(booked), max(booked), sorted(booked), booked[0] >= booked[1], -booked[0], int(booked[1]), round(booked[1], 1))
print(booked[0].cents, booked[0].cents, spend.count, spend.__name__)
