"""A small domain layer with its own exceptions."""


class BookkeepingError(Exception):
    """Base of everything that can go wrong here."""

    def __init__(self, message: str, *, context: dict | None = None) -> None:
        super().__init__(message)
        self.context = context or {}

    def __str__(self) -> str:
        details = ", ".join(f"{key}={value!r}" for key, value in sorted(self.context.items()))
        return f"{self.args[0]} [{details}]" if details else self.args[0]


class InsufficientFunds(BookkeepingError):
    pass


class UnknownAccount(BookkeepingError, KeyError):
    pass


def transfer(source: str, target: str, amount: float, day: str) -> dict:
    try:
        return tools.transfer_funds(from_account=source, to_account=target, amount=amount, date=day)
    except tools.ToolError as error:
        text = str(error)
        if "unknown account" in text:
            raise UnknownAccount("no such account", context={"source": source, "target": target}) from error
        if "cannot pay" in text:
            raise InsufficientFunds("not enough money", context={"source": source, "amount": amount}) from error
        raise


attempts = [
    ("operating", "savings", 2500.0),
    ("operating", "holiday", 10.0),
    ("tax", "savings", 99_999.0),
    ("savings", "savings", 1.0),
]
for source, target, amount in attempts:
    try:
        result = transfer(source, target, amount, "2026-06-01")
    except InsufficientFunds as error:
        print("FUNDS  ", error, "<-", error.__cause__)
    except UnknownAccount as error:
        print("ACCOUNT", error, isinstance(error, KeyError))
    except Exception as error:
        print("OTHER  ", type(error).__name__, error)
    else:
        print("OK     ", result["from_balance"], result["to_balance"])
    finally:
        print("-" * 20)
