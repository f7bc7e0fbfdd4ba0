rows = [1, 2, 3]
assert len(rows) == 2, f"expected 2 rows, got {len(rows)}"
