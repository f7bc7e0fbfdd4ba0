def numbers(n):
    for i in range(n):
        received = yield i
        if received:
            yield received


def chain(*parts):
    for part in parts:
        result = yield from part
        if result:
            yield result


def with_return():
    yield 1
    return "returned"


g = numbers(3)
print(next(g), g.send("sent"), next(g), list(g), list(chain("ab", with_return(), range(2))))


def careful():
    try:
        yield 1
        yield 2
    except ValueError as error:
        yield f"caught {error}"
    finally:
        print("closed")


c = careful()
print(next(c), c.throw(ValueError("thrown")))
c.close()
c = careful()
next(c)
c.close()
print(next(iter([]), "default"), list(zip(*[[1, 2], [3, 4]])), list(enumerate("ab", 1)), list(reversed([1, 2])))


class Countdown:
    def __init__(self, start):
        self.left = start

    def __iter__(self):
        return self

    def __next__(self):
        if self.left <= 0:
            raise StopIteration
        self.left -= 1
        return self.left


print(list(Countdown(3)), sum(Countdown(4)), 2 in Countdown(5), max(Countdown(2)), list(iter(lambda: 1, 1)))
pages = ({"items": [p], "next": p + 1 if p < 2 else None} for p in range(3))
print([item for page in pages for item in page["items"]])
