from dataclasses import asdict, astuple, dataclass, field, fields, replace
from enum import Enum, IntEnum, StrEnum, Flag, auto, unique
from typing import ClassVar


@dataclass(order=True)
class Item:
    sku: str
    qty: int = 1
    tags: list[str] = field(default_factory=list, compare=False)
    total: float = field(init=False, default=0.0)
    kinds: ClassVar[int] = 0

    def __post_init__(self):
        self.total = self.qty * 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    a: int
    b: "str" = "x"


@dataclass(frozen=True)
class Square:
    side: int
    area: int = 0

    def __post_init__(self):
        object.__setattr__(self, "area", self.side**2)


i = Item("pen", 3)
print(i, asdict(i), astuple(i), replace(i, qty=4), i == Item("pen", 3), sorted([Item("b"), Item("a")])[0].sku)
print(Key(a=1), {Key(a=1): 2}[Key(a=1)], [f.name for f in fields(Item)], Square(3))
try:
    Key(a=1).a = 2
except Exception as error:
    print(type(error).__name__, error)


class Status(Enum):
    OPEN = "open"
    DONE = "done"

    @property
    def label(self):
        return self.value.title()

    @classmethod
    def _missing_(cls, value):
        return cls.OPEN


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Kind(StrEnum):
    A = auto()
    B = auto()


class Access(Flag):
    READ = auto()
    WRITE = auto()


@unique
class Planet(Enum):
    EARTH = (5.97, 6.37)
    MARS = (0.64, 3.39)

    def __init__(self, mass, radius):
        self.mass = mass
        self._radius = radius

    @property
    def density(self):
        return round(self.mass / self._radius, 3)


class Text(str, Enum):
    YES = "yes"


print(Status("done"), Status["OPEN"].label, Status("nope"), list(Status), Status.OPEN.name, Status.OPEN is Status("open"))
print(Level.HIGH > Level.LOW, Level.HIGH + 1, Kind.A, f"{Kind.B}", Access.READ | Access.WRITE, Planet.MARS.density)
print(Text.YES == "yes", Text.YES.upper(), Status.__members__.keys(), len(Status), Status.OPEN in Status, {Status.OPEN: 1})
Animal = Enum("Animal", "CAT DOG")
print(list(Animal), repr(Status.DONE))
