rows = [{"id": i} for i in range(3)]
{"count": len(rows), "first": rows[0]}
