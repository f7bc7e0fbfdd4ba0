name, price, when = "tea", 3.14159, {"k": [1, 2]}
print(f"{name!r:>8}|{price:.2f}|{price:8.3f}|{when['k'][1]}|{name.upper():^9}|{1000000:,}|{0.256:.1%}|{255:#x}|{name=}")
print("{} {}".format(1, 2), "{1} {0}".format("a", "b"), "{x:>{w}}".format(x="r", w=4), "{d[k]}".format(d={"k": 5}))
print("{0.real} {0.imag}".format(3 + 4j), "{!r}".format("q"))
print("%s is %d and %.1f%%" % ("x", 3, 2.5), "%(k)s" % {"k": 1}, "%5s|%-5s|" % ("a", "b"))
print("{k}".format_map({"k": "v"}), str.format("{}", 1), list(map("{:03d}".format, [1, 22])), "{{}}".format())
print("-".join(["a", "b"]), "a,b".split(","), "abc"[::-1], "Ab".swapcase(), "x".zfill(3), "aXbX".replace("X", "", 1))
print("tea".title(), "a b".partition(" "), "é".encode(), b"ab".decode(), "ab".encode("utf-16-le").hex(), "x" * 3)
print("%".join("ab"), "a\tb".expandtabs(2), "ab".translate({97: "z"}), "{:>5}".format("é"), ascii("é"), repr("a'b"), "\u00e9")
print("line1\nline2".splitlines(), "  x ".strip(), "abc".find("c"), "a" in "abc", "abc".startswith(("x", "a")), "ß".casefold())
print(str(1.0), repr(0.1), str([1, "a", None, {"b": (1,)}]), str({"a"}), format(1234.5, ",.2f"), f"{'nested' + f'{1 + 1}'}")
print("a", "b", sep="-", end="!\n")
print(*[1, 2], sep="\n")
print()
print("tab\there", "quote\"", 'single', """multi
line""")
print("no newline", end="")
print(" after", flush=True)
import time
print(time.strftime("%Z"), time.localtime().tm_zone, time.strftime("%Z", time.gmtime()))
try:
    from math import nope
except ImportError as e:
    print(type(e).__name__, e.name)
