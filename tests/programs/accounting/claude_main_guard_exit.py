#!/usr/bin/env python3
"""Bring the operating account to its target at the end of May."""

import sys

TARGET = 8_000.00


def balances() -> dict[str, float]:
    """Map each account to its current balance."""
    return {account["account"]: account["balance"] for account in list_accounts()}


def adjust(target: float, day: str) -> float:
    """Move what is missing from (or too much to) savings; return the amount moved."""
    difference = round(target - balances()["operating"], 2)
    if difference == 0:
        return 0.0
    source, destination = ("savings", "operating") if difference > 0 else ("operating", "savings")
    transfer_funds(from_account=source, to_account=destination, amount=abs(difference), date=day)
    return abs(difference)


def main() -> int:
    record_income(amount=9450.00, payer="Werft Hansen", category="sales", date="2026-05-05")
    transfer_funds("operating", "savings", 14000.00, "2026-05-06")
    record_expense(amount=3275.50, payee="Werkzeug Harms", category="equipment", date="2026-05-19")
    moved = adjust(TARGET, "2026-05-29")

    after = balances()
    if after["operating"] != TARGET:
        print(f"error: operating holds {after['operating']}, expected {TARGET}", file=sys.stderr)
        return 1
    for name, balance in sorted(after.items()):
        print(f"{name:>10}: {balance:>12,.2f}")
    print(f"{'total':>10}: {sum(after.values()):>12,.2f}")
    print(f"moved: {moved:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
