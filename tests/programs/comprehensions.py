rows = [{"id": i, "tags": ["a", "b"][: i % 3], "price": i * 1.5} for i in range(6)]
print([r["id"] for r in rows if r["tags"] if r["id"] > 1])
print({r["id"]: len(r["tags"]) for r in rows}, {t for r in rows for t in r["tags"]} == {"a", "b"})
print(sum(r["price"] for r in rows), max((r["price"], r["id"]) for r in rows), [[c for c in range(r)] for r in range(3)])
x = "outer"
print([x for x in range(3)], x, [(i, j) for i in range(3) for j in range(i)], list(i for i in "ab"))
print([y := 1, y + 1], [last for last in [1, 2]], any(r["id"] == 5 for r in rows), all(r["price"] >= 0 for r in rows))


class Scope:
    factor = 2
    doubled = [factor for _ in range(2)] if False else None
    items = [i * 2 for i in range(3)]


print(Scope.items, dict(zip("abc", range(3))), sorted({"b": 1, "a": 2}.items(), key=lambda kv: kv[1]))
groups = {}
for row in rows:
    groups.setdefault(len(row["tags"]), []).append(row["id"])
print(groups, {**groups, 9: []}, [*groups, *"xy"], {k: v for k, v in sorted(groups.items(), reverse=True)})
