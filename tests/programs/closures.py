def counter():
    count = 0

    def step(by=1):
        nonlocal count
        count += by
        return count

    return step


total = 0


def add(n, /, scale=1, *, offset=0):
    """Add to the total."""
    global total
    total += n * scale + offset
    return total


def everything(a, b=2, *rest, c, d=4, **named):
    return a, b, rest, c, d, sorted(named.items())


def fib(n, cache={}):
    if n not in cache:
        cache[n] = n if n < 2 else fib(n - 1) + fib(n - 2)
    return cache[n]


def calls():
    calls.count = getattr(calls, "count", 0) + 1
    return calls.count


step = counter()
print(step(), step(5), step())
print(add(1), add(2, scale=3), add(1, offset=-1), total, add.__name__, add.__doc__)
print(everything(1, c=3), everything(*[1, 2, 3], **{"c": 4, "z": 5}))
print(fib(50), calls(), calls(), [f(2) for f in [lambda x, k=k: x * k for k in range(3)]])
print((lambda *a, **k: (a, k))(1, 2, x=3), sorted([3, 1, 2], key=lambda v: -v), list(map(lambda v: v + 1, [1, 2])))
_private = 3
__hidden = 4
print(_private + __hidden, callable(add), [_ for _ in range(2)])


def outer():
    seen = []

    def inner(n):
        if n:
            seen.append(n)
            inner(n - 1)

    inner(3)
    return seen


print(outer(), (lambda: (yield))() is not None, __name__)
if __name__ == "__main__":
    print("main")
