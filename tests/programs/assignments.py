a, b = 1, 2
a, b = b, a
first, *middle, last = range(5)
(x, (y, z)), w = (1, (2, 3)), 4
counts: dict[str, int] = {}
total: int
for word in "to be or not to be".split():
    counts[word] = counts.get(word, 0) + 1
    counts[word] += 0
grid = [[0] * 3 for _ in range(2)]
grid[1][2] += 5
grid[0] += [9]
grid[1] *= 2
text = "ab"
text += "cd"
order = []


def key():
    order.append("key")
    return "k"


def value():
    order.append("value")
    table["k"] = 100
    return 1


table = {"k": 1}
table[key()] += value()
if (n := len(order)) > 1:
    print("walrus", n, [last_seen := i for i in range(3)], last_seen)
chained = other = []
chained.append(1)
numbers = list(range(10))
numbers[2:4] = ["x"]
del numbers[-1], counts["or"]
numbers[::3] = [0] * len(numbers[::3])
print(a, b, first, middle, last, x, y, z, w, counts, grid, text, table, order, other, numbers)
print(1 < a < 3, 1 if a else 2, not a, a is b, a in [2], a and None, None or 7)
print(2**100, -7 // 2, -7 % 3, 7 / 2, 1 << 5, 6 & 3, 6 | 3, 6 ^ 3, ~6, 0.1 + 0.2, 1e300 * 10, 3 + 4j, 0xFF, 1_000)
i = 5
i **= 2
i //= 3
i <<= 1
print(i, divmod(17, 5), round(2.5), round(-1.234, 2), int("7f", 16), float("inf"), abs(-3), pow(3, -1, 7))
