xs = [3, 1, 2]
print(sorted(xs), sorted(xs, reverse=True), min(xs), max(xs, default=0), sum(xs), sum([[1], [2]], []), len(xs), any(xs), all([]))
print(list(zip(xs, "abc")), list(zip("ab", "ab", strict=True)), list(enumerate(xs, 1)), list(filter(None, [0, 1])), tuple(xs))
print({1, 2} | {3}, {1, 2} & {2}, {1, 2} - {2}, {1} ^ {2}, {1} <= {1, 2}, frozenset("aab") == {"a", "b"}, set() == frozenset())
print(isinstance(1, (str, int)), issubclass(bool, int), callable(len), chr(65), ord("a"), hex(255), bin(5), oct(8), round(2.675, 2))
print(bytes([1, 2]), bytearray(b"ab"), b"a" + b"b", list(b"ab"), bytes.fromhex("ff"), b"%d" % 5, int.from_bytes(b"\x01\x00", "big"))
print(dict(a=1, **{"b": 2}), dict([("x", 1)]), {"a": 1} | {"b": 2}, list({"a": 1}.items()), {"a": 1}.pop("z", None), dict.fromkeys("ab", 0))
print(getattr(xs, "append").__name__, hasattr(xs, "nope"), type(xs).__name__, type(None), type(print).__name__, slice(1, 2), Ellipsis)
print(list(reversed("abc")), "".join(reversed("abc")), next(iter("ab")), divmod(-7, 3), abs(-2.5), complex(1, 2), hash(1), NotImplemented)
print(int(" 12 "), int(3.9), float("1e3"), bool("False"), str(b"x"), repr(None), list("ab"), map(str, xs).__class__.__name__)
print("x" in dir("x"), "upper" in dir(str), len(dir([])) > 10, object() is not None, isinstance(object(), object))
a = 5
print("a" in globals(), "nope" in globals(), globals()["a"])


def f(p, q=2):
    r = p
    return sorted(locals().items())


print(f(1), "{p}".format(**{"p": 1}), print("inner"), vars().get("a"))
print([1, 2, 3][-1], [1, 2][:5], (1,) + (2,), [0] * 2, [1, 2] == [1, 2], [1] < [2], "a" < "b", None is None, 1 == 1.0, 0.1)
e = iter([1, 2])
print(next(e), list(e), next(e, "end"), sorted("bca", key=str.upper), max("a", "b", key=ord), min([("b", 1), ("a", 2)]))
print(isinstance(5, int | str), list[int], int | None, {**{"a": 1}}, *[1, 2], (*[3],), [*{}])
