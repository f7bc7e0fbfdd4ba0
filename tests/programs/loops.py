n, even = 0, []
while True:
    n += 1
    if n % 2:
        continue
    if n > 10:
        break
    even.append(n)
for x in even:
    if x > 100:
        break
else:
    print("none is big")
while n > 8:
    n -= 1
else:
    print("ran down to", n)
for i, (key, [first, *rest]) in enumerate({"a": [1, 2, 3], "b": [4]}.items()):
    print(i, key, first, rest)
for i in range(3):
    for j in range(3):
        if j == 2:
            break
        if i == j:
            continue
        print(i, j, end=";")
print()
matrix = [[1, 2], [3, 4]]
print([list(row) for row in zip(*matrix)], list(range(10, 0, -3)), sum(map(sum, matrix)))
acc = 0
for k in range(50_000):
    acc += k % 7
print(acc)


class Target:
    pass


t = Target()
for t.index in range(3):
    pass
box = [0]
for box[0] in "xyz":
    pass
print(t.index, box)
