class Account:
    """A cached view of one account."""

    __slots__ = ("_balance", "name", "stale")

    def __init__(self, name: str) -> None:
        self.name = name
        self._balance = None
        self.stale = True

    @property
    def balance(self) -> float:
        if self.stale or self._balance is None:
            self._balance = {each["account"]: each["balance"] for each in list_accounts()}[self.name]
            self.stale = False
        return self._balance

    @balance.setter
    def balance(self, value: float) -> None:
        raise AttributeError("a balance is changed by bookings only")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Account):
            return NotImplemented
        return self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __lt__(self, other: "Account") -> bool:
        return self.balance < other.balance

    def __format__(self, spec: str) -> str:
        return f"{self.name}={self.balance:{spec or '.2f'}}"

    def __bool__(self) -> bool:
        return self.balance > 0


accounts = [Account(each["account"]) for each in list_accounts()]
print(f"{min(accounts):,.1f} {max(accounts)} {len({*accounts, Account('tax')})}")
transfer_funds(from_account="savings", to_account="tax", amount=1250, date="2026-02-02")
tax = next(each for each in accounts if each.name == "tax")
print(tax.balance, end=" -> ")
tax.stale = True
print(tax.balance)
for statement in ("tax.balance = 5", "tax.colour = 'red'"):
    try:
        if "colour" in statement:
            tax.colour = "red"
        else:
            tax.balance = 5
    except AttributeError as error:
        print(f"{statement}: {error}")
print(tax in set(accounts), bool(tax), not tax, tax == "tax", tax != Account("savings"))
