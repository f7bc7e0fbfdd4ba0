def transfer_with_fallback(amount: float, date: str) -> str:
    """Try several sources in order until one of them has the money."""
    last_error: Exception | None = None
    for source in ["tax", "operating", "savings"]:
        try:
            result = transfer_funds(from_account=source, to_account="operating" if source != "operating" else "tax",
                                    amount=amount, date=date)
            return f"{source}: {result['amount']}"
        except ToolError as e:
            print(f"  {source} failed: {e}")
            last_error = e
            continue
    raise RuntimeError("All sources failed") from last_error


for amount in (1000.0, 13000.0, 20000.0, 1e9):
    print(f"Transferring {amount:,.2f}...")
    try:
        print(" ", transfer_with_fallback(amount, "2026-06-30"))
    except RuntimeError as e:
        print(f"  gave up: {e} (cause: {type(e.__cause__).__name__})")
        e.add_note("tried all accounts")
        print(" ", e.__notes__)

balances = {a['account']: a['balance'] for a in list_accounts()}
print(balances)
assert min(balances.values()) >= 0, 'no account may be negative'
raise RuntimeError(f"unfinished: {sum(balances.values()):.2f} left")
