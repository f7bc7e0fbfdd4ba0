import functools
from abc import ABC, ABCMeta, abstractmethod


class Account:
    """An account."""

    bank = "first"
    __slots__ = ("_balance", "owner", "__pin")

    def __init__(self, owner, balance=0):
        self.owner = owner
        self._balance = balance
        self.__pin = 1234

    @property
    def balance(self):
        """The balance."""
        return self._balance

    @balance.setter
    def balance(self, amount):
        if amount < 0:
            raise ValueError(f"negative balance: {amount}")
        self._balance = amount

    @classmethod
    def empty(cls, owner):
        return cls(owner)

    @staticmethod
    def fee():
        return 2

    def pin(self):
        return self.__pin

    def __repr__(self):
        return f"{type(self).__name__}({self.owner!r}, {self._balance})"

    def __eq__(self, other):
        return isinstance(other, Account) and self._balance == other._balance

    def __lt__(self, other):
        return self._balance < other._balance

    def __hash__(self):
        return hash(self.owner)

    def __iadd__(self, amount):
        self._balance += amount
        return self


class Savings(Account):
    __slots__ = ("rate",)

    def __init__(self, owner, balance=0, *, rate=0.1):
        super().__init__(owner, balance)
        self.rate = rate

    def _interest(self):
        return self._balance * self.rate

    def __repr__(self):
        return super().__repr__() + f"@{self.rate}"


class Premium(Savings):
    def _interest(self):
        return super()._interest() * 2


a = Account.empty("ann")
a.balance = 10
a.balance += 5
a += 1
s = Savings("bob", 200, rate=0.5)
print(a, s, s._interest(), Premium("eve", 10)._interest(), a.pin(), a == Account("x", 16), max([a, s]), a.fee())
print(Account.__name__, Account.__doc__, a.__class__.__name__, type(s) is Savings, isinstance(s, Account), Account.bank)
try:
    a.balance = -1
except ValueError as error:
    print(error)
Account.bank = "second"
Account.shout = lambda self: self.owner.upper()
print(s.bank, s.shout(), hasattr(a, "rate"), getattr(s, "rate"), getattr(a, "rate", None), len({a, s}))


class Vector:
    def __init__(self, *xs):
        self.xs = list(xs)

    def __add__(self, other):
        return Vector(*(p + q for p, q in zip(self.xs, other.xs)))

    def __mul__(self, k):
        return Vector(*(k * x for x in self.xs))


    def __getitem__(self, i):
        return self.xs[i]

    def __setitem__(self, i, x):
        self.xs[i] = x

    def __len__(self):
        return len(self.xs)

    def __iter__(self):
        return iter(self.xs)

    def __contains__(self, x):
        return x in self.xs

    def __call__(self):
        return sum(self.xs)

    def __bool__(self):
        return any(self.xs)

    def __neg__(self):
        return self * -1

    def __str__(self):
        return "<" + ",".join(map(str, self)) + ">"

    def __format__(self, spec):
        return f"{spec}:{str(self)}"


v = Vector(1, 2) + Vector(3, 4) * 2
v[0] += 10
print(v, -v, v(), list(v), 3 in v, len(v), bool(Vector(0)), f"{v:spec}", v[1], sum(v))


class Shape(ABC):
    @abstractmethod
    def area(self): ...

    @property
    @abstractmethod
    def name(self): ...


class Square(Shape):
    name = "square"

    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side**2


class Meta(metaclass=ABCMeta):
    pass


try:
    Shape()
except TypeError as error:
    print("abstract")
print(Square(3).area(), issubclass(Square, Shape), Meta().__class__.__name__)


@functools.total_ordering
class Version:
    def __init__(self, text):
        self.parts = tuple(int(p) for p in text.split("."))

    def __eq__(self, other):
        return self.parts == other.parts

    def __lt__(self, other):
        return self.parts < other.parts

    @functools.cached_property
    def major(self):
        print("computed")
        return self.parts[0]


print(Version("1.10") >= Version("1.9"), Version("2.1").major)


class Registry:
    known = []

    def __init_subclass__(cls, **options):
        Registry.known.append((cls.__name__, options))


class Plugin(Registry, level=3):
    pass


class Single:
    _instance = None

    def __new__(cls):
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance


class Bag(dict):
    def __missing__(self, key):
        return key * 2


class Config:
    def __init__(self, **options):
        for name, option in options.items():
            setattr(self, name, option)


c = Config(a=1, b=2)
del c.a
print(Registry.known, Single() is Single(), Bag()["ab"], vars(c), c.__dict__, hasattr(c, "a"), sorted(vars(c)))
print([name for name in dir(c) if not name.startswith("_")], type(1), type(int), type("x") == str, isinstance(int, type))
delattr(c, "b")
print(vars(c))


class Node:
    def __init__(self, value, next=None):
        self.value, self.next = value, next

    def __iter__(self):
        node = self
        while node:
            yield node.value
            node = node.next


print(list(Node(1, Node(2, Node(3)))))
