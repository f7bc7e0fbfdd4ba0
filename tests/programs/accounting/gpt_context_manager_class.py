from contextlib import ExitStack, redirect_stdout, suppress
import io

class Transaction:
    """Undo transfers if anything in the block goes wrong."""

    def __init__(self, day):
        self.day = day
        self._undo = []
        self.committed = False

    def __enter__(self):
        return self

    def move(self, source, target, amount):
        result = transfer_funds(source, target, amount, self.day)
        self._undo.append((target, source, amount))
        return result

    def __exit__(self, exc_type, exc_value, tb):
        if exc_type is None:
            self.committed = True
            return False
        while self._undo:
            source, target, amount = self._undo.pop()
            transfer_funds(source, target, amount, self.day)
        print(f"rolled back: {exc_type.__name__}: {exc_value}")
        return issubclass(exc_type, ToolError)

with Transaction("2026-06-01") as tx:
    tx.move("savings", "operating", 500.0)
    tx.move("operating", "tax", 999_999.0)
print("committed:", tx.committed)

with Transaction("2026-06-02") as tx:
    tx.move("savings", "tax", 250.0)
print("committed:", tx.committed)

with ExitStack() as stack:
    for name in ("one", "two"):
        stack.callback(print, "closing", name)
    stack.enter_context(suppress(ZeroDivisionError))
    print("inside")

buffer = io.StringIO()
with redirect_stdout(buffer):
    print("captured", len(list_transactions()))
print(buffer.getvalue().upper(), end="")
{a["account"]: a["balance"] for a in list_accounts()}
