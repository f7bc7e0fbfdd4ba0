try:
    open_orders = [][0]
except IndexError as error:
    error.add_note("while reading orders")
    raise
