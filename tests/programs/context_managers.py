from contextlib import ExitStack, closing, contextmanager, nullcontext, redirect_stdout, suppress
import io


class Timer:
    def __enter__(self):
        print("enter")
        return self

    def __exit__(self, kind, error, trace):
        print("exit", kind.__name__ if kind else None, error)
        return kind is KeyError


@contextmanager
def section(name):
    print("open", name)
    try:
        yield name.upper()
    except ValueError as error:
        print("section caught", error)
    finally:
        print("close", name)


with section("a") as a, Timer() as t:
    print(a, t.__class__.__name__)
with Timer():
    {}["swallowed"]
with section("b"):
    raise ValueError("inside")
with suppress(ZeroDivisionError):
    1 / 0
with (section("c") as c, nullcontext(5) as five):
    print(c, five)
with ExitStack() as stack:
    names = [stack.enter_context(section(n)) for n in "xy"]
    stack.callback(print, "called back")
    print(names)
out = io.StringIO()
with redirect_stdout(out):
    print("captured")
print(repr(out.getvalue()))


class Pair:
    def __enter__(self):
        return 1, (2, 3)

    def __exit__(self, *details):
        return False


with Pair() as (p, (q, r)):
    print(p, q, r)
with closing(io.StringIO("z")) as stream:
    print(stream.read())


@contextmanager
def decorating():
    print("before")
    yield
    print("after")


@decorating()
def work():
    print("work")


work()
