from enum import Enum, IntEnum, Flag, auto, unique
from types import MappingProxyType

@unique
class Status(Enum):
    DRAFT = "draft"
    SENT = "sent"
    OVERDUE = "overdue"
    PAID = "paid"

    @property
    def is_open(self):
        return self in (Status.SENT, Status.OVERDUE)

    @classmethod
    def _missing_(cls, value):
        if isinstance(value, str):
            for member in cls:
                if member.value == value.lower():
                    return member
        return None

    def __str__(self):
        return self.name.title()

class Priority(IntEnum):
    LOW = 1
    HIGH = auto()

class Access(Flag):
    READ = auto()
    WRITE = auto()
    ALL = READ | WRITE

TRANSITIONS = MappingProxyType({
    Status.DRAFT: frozenset({Status.SENT}),
    Status.SENT: frozenset({Status.OVERDUE, Status.PAID}),
    Status.OVERDUE: frozenset({Status.PAID}),
    Status.PAID: frozenset(),
})

invoice = create_invoice(client="Praxis Amsel", issued_on="2026-04-07", due_in_days=14,
                         lines=[{"description": "Site visit", "quantity": 6, "unit_price": 95.0}])
status = Status(invoice["status"])
for step, day in (("SENT", "2026-04-07"), ("overdue", "2026-04-22"), ("Paid", "2026-04-30")):
    target = Status(step)
    if target not in TRANSITIONS[status]:
        raise RuntimeError(f"illegal transition {status} -> {target}")
    invoice = update_invoice_status(invoice_id=invoice["invoice_id"], status=target.value, date=day)
    print(f"{status!s:>8} -> {target}", target.is_open, invoice["remaining"])
    status = Status(invoice["status"])

print(Priority.HIGH > Priority.LOW, list(Status), Access.READ in Access.ALL, Access.ALL.name, Status["PAID"].value)
print([name for name in Status.__members__], Status.PAID.__class__.__name__)
try:
    Status("void")
except ValueError as e:
    print(e)
try:
    TRANSITIONS[Status.PAID] = frozenset()
except TypeError as e:
    print(e)
