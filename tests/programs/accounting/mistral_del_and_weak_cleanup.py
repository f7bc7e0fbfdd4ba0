import gc
import weakref
from collections import UserDict, UserList

class Handle:
    alive = 0

    def __init__(self, name):
        self.name = name
        Handle.alive += 1

    def __del__(self):
        Handle.alive -= 1

    def __str__(self):
        return f"handle of {self.name}"

class CaseInsensitive(UserDict):
    def __setitem__(self, key, value):
        super().__setitem__(key.lower(), value)

    def __getitem__(self, key):
        return super().__getitem__(key.lower())

class Validated:
    """A descriptor that only takes positive amounts."""

    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner=None):
        return self if instance is None else getattr(instance, self.name, 0.0)

    def __set__(self, instance, value):
        if value <= 0:
            raise ValueError(f"{self.name[1:]} must be positive")
        setattr(instance, self.name, value)

class Booking:
    amount = Validated()

    def __init__(self, amount):
        self.amount = amount

    def __setattr__(self, name, value):
        if name == "locked":
            raise AttributeError("no such setting")
        super().__setattr__(name, value)

handle = Handle("operating")
print(handle, Handle.alive)
del handle
gc.collect()
print(Handle.alive)
accounts = CaseInsensitive()
for account in list_accounts():
    accounts[account["account"].upper()] = account["balance"]
print(accounts["Tax"], sorted(accounts), "tax" in accounts)
booking = Booking(12.5)
record_expense(booking.amount, "Papier Brandt", "supplies", "2026-03-20")
for value in (0, "x"):
    try:
        booking.amount = value
    except (ValueError, TypeError) as e:
        print(type(e).__name__)
try:
    booking.locked = True
except AttributeError as e:
    print(e)
ref = weakref.ref(booking)
print(ref() is booking, UserList([3, 1]).data, sorted(vars(booking)))
