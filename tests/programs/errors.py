class ShopError(Exception):
    """Base."""


class OutOfStock(ShopError):
    def __init__(self, item, wanted=1):
        super().__init__(f"{item} is out of stock")
        self.item = item
        self.wanted = wanted


class WithCode(Exception):
    code = 7

    def __str__(self):
        return f"code {self.code}"


def attempt(action):
    try:
        result = action()
    except OutOfStock as error:
        return f"{type(error).__name__}: {error} {error.item} {error.wanted} {error.args}"
    except (KeyError, IndexError) as error:
        return f"lookup {error!r} {str(error)}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    else:
        return f"fine {result}"
    finally:
        print("finally")


def fail(error):
    raise error


print(attempt(lambda: fail(OutOfStock("pen", 3))))
print(attempt(lambda: {}["missing"]), attempt(lambda: [][3]), attempt(lambda: 1 / 0), attempt(lambda: 5))
print(attempt(lambda: int("x")), attempt(lambda: None.name), attempt(lambda: undefined), attempt(lambda: "a" + 1))
print(attempt(lambda: [].nope), attempt(lambda: (1, 2).x), attempt(lambda: len(5)), attempt(lambda: fail(WithCode())))
print(attempt(lambda: {}.get()), attempt(lambda: attempt()), attempt(lambda: max([])), attempt(lambda: [1, 2].index(3)))
print(attempt(lambda: "{}".format()), attempt(lambda: "{a}".format()), attempt(lambda: "%d" % "x"), attempt(lambda: 5()))
print(attempt(lambda: "x".foo), attempt(lambda: ShopError.nope), attempt(lambda: setattr(5, "x", 1)), attempt(lambda: 5[0]))


def immutable():
    "abc"[0] = "x"


def unpack():
    a, b = [1]


def checked(value):
    assert isinstance(value, int), f"not an int: {value!r}"
    return value


def attribute():
    [].x = 1


def text_attribute():
    "s".x = 1


def none_attribute():
    None.x = 1


print(attempt(immutable), attempt(unpack), attempt(lambda: checked("s")), attempt(attribute), attempt(text_attribute))
print(attempt(none_attribute), attempt(lambda: delattr([], "x")))
try:
    try:
        {}["a"]
    except KeyError as inner:
        raise ShopError("outer") from inner
except ShopError as error:
    print(repr(error), repr(error.__cause__), error.__cause__ is error.__context__, error.__suppress_context__)
try:
    try:
        raise ValueError("first")
    except ValueError:
        raise
except ValueError as again:
    again.add_note("noted")
    again.extra = 1
    print("again", again, again.__notes__, again.extra)


def loop():
    for i in range(5):
        try:
            if i == 1:
                continue
            if i == 3:
                return i
        finally:
            print("leaving", i)


print(loop())
try:
    raise StopIteration(4)
except StopIteration as stop:
    print(stop.value)
try:
    import no_such_module
except ImportError:
    print("no such module")
import traceback

try:
    1 / 0
except ZeroDivisionError:
    print(traceback.format_exc().splitlines()[-1])
