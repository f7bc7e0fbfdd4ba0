data = {"orders": [{"id": 1}]}
first = data["orders"][0]
print("before")
total = first["id"] + first["total"] * 2
