from typing import Dict, List, Union

Tree = Dict[str, Union[float, "Tree"]]

def build(rows: List[dict]) -> Tree:
    tree: Tree = {}
    for row in rows:
        year, month, _ = row["date"].split("-")
        node = tree.setdefault(year, {}).setdefault(month, {})
        node[row["category"]] = node.get(row["category"], 0) + row["amount"]
    return tree

def total(node) -> float:
    return sum(total(child) for child in node.values()) if isinstance(node, dict) else node

def show(node, name="all", level=0):
    print(f"{'  ' * level}{name}: {total(node):.2f}")
    if isinstance(node, dict):
        for key in sorted(node):
            show(node[key], key, level + 1)

def flatten(node, path=()):
    if not isinstance(node, dict):
        yield "/".join(path), node
        return
    for key, child in node.items():
        yield from flatten(child, (*path, key))

for date, category, amount in [("2026-01-05", "rent", 1860), ("2026-01-06", "fees", 91.5), ("2026-02-05", "rent", 1860), ("2026-01-09", "fees", 8.5)]:
    record_expense(amount, "Payee", category, date)
tree = build(list_transactions())
show(tree)
print(dict(flatten(tree)), max(flatten(tree), key=lambda item: item[1]))
