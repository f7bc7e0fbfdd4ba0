from abc import ABC, abstractmethod
import math

class Shape(ABC):
    """What is billed by area."""
    registry = {}

    def __init_subclass__(cls, /, rate=0.0, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.rate = rate
        Shape.registry[cls.__name__.lower()] = cls

    @property
    @abstractmethod
    def area(self): ...

    def price(self):
        return round(self.area * self.rate, 2)

    def __str__(self):
        return f'{type(self).__qualname__} of {self.area:.2f} m2'

class Board(Shape, rate=42.0):
    def __init__(self, width, height):
        self.width, self.height = width, height

    @property
    def area(self):
        return self.width * self.height

class Disc(Shape, rate=61.5):
    def __init__(self, radius):
        self.radius = radius

    @property
    def area(self):
        return math.pi * self.radius ** 2

class Framed(Board, rate=55.0):
    def __init__(self, *size, frame=0.1):
        super().__init__(*size)
        self.frame = frame

    @property
    def area(self):
        return super().area + 2 * self.frame * (self.width + self.height)

shapes = [Board(2, 3.5), Disc(radius=0.75), Framed(1, 2, frame=0.05), Shape.registry['disc'](1)]
lines = [{'description': str(s), 'quantity': 1, 'unit_price': s.price()} for s in shapes]
invoice = create_invoice(client='Galerie Nordlicht', lines=lines, issued_on='2026-08-01')
for line in invoice['lines']:
    print(f"{line['description']:<25}{line['unit_price']:>10.2f}")
print(invoice['total'] == round(sum(s.price() for s in shapes), 2), sorted(Shape.registry), Framed.mro()[1].__name__)
print(isinstance(shapes[2], Board), issubclass(Framed, Shape), Framed.__name__)
