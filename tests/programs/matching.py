from dataclasses import dataclass
from enum import Enum


class Color(Enum):
    RED = 1
    BLUE = "b"


@dataclass
class Point:
    x: int
    y: int = 0


def describe(value):
    match value:
        case 0 | 1:
            return "small"
        case int(n) if n > 100:
            return f"big {n}"
        case -5:
            return "minus five"
        case "on" | "off" as switch:
            return f"switch {switch}"
        case []:
            return "empty"
        case [only]:
            return f"one {only}"
        case [first, *rest]:
            return f"first {first} of {len(rest) + 1}"
        case {"type": "circle", "r": r, **others}:
            return f"circle {r} {others}"
        case {"items": [{"id": i}, *_]}:
            return f"first item {i}"
        case Color.RED:
            return "red"
        case Color():
            return f"color {value.name}"
        case Point(x=0, y=y):
            return f"on axis at {y}"
        case Point(x, y):
            return f"point {x} {y}"
        case str():
            return "text"
        case None:
            return "none"
        case float() | bool():
            return "number"
        case _:
            return "other"


for value in (0, 500, -5, "on", [], [1], [1, 2], (1, 2, 3), {"type": "circle", "r": 2, "z": 1}, {"items": [{"id": 7}]},
              Color.RED, Color.BLUE, Point(0, 4), Point(1, 2), "s", None, 2.5, 50, {1}):
    print(value, describe(value))
