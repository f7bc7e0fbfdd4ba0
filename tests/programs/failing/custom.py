class StockError(Exception):
    def __init__(self, sku, left):
        super().__init__(sku, left)
        self.sku = sku

    def __str__(self):
        return f"{self.sku} ran out"


def reserve(sku):
    raise StockError(sku, 0)


reserve("pen")
