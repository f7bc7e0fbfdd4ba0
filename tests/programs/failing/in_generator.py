def prices(rows):
    for row in rows:
        yield row["price"]


print(sum(prices([{"price": 1}, {"cost": 2}])))
