class Order:
    def __init__(self):
        self.total = 1


orders = [Order()]
print(orders[0].totl)
