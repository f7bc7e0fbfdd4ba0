from decimal import Decimal, ROUND_HALF_UP, getcontext, InvalidOperation

getcontext().prec = 28
CENT = Decimal("0.01")

def money(value) -> Decimal:
    try:
        return Decimal(str(value)).quantize(CENT, rounding=ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError(f"not an amount: {value!r}") from None

invoice = create_invoice(
    client="Reederei Holm",
    lines=[
        {"description": "Cabin refit", "quantity": 44, "unit_price": 81.50},
        {"description": "Varnishing", "quantity": 18, "unit_price": 62.00},
    ],
    issued_on="2026-05-04",
    due_in_days=21,
)
invoice_id = invoice["invoice_id"]
update_invoice_status(invoice_id=invoice_id, status="sent", date="2026-05-04")

total = money(invoice["total"])
deposit = (total * Decimal("0.40")).quantize(CENT, ROUND_HALF_UP)
after_deposit = record_payment(invoice_id=invoice_id, amount=float(deposit), date="2026-05-11")
remaining = total - deposit
assert money(after_deposit["remaining"]) == remaining, f"{after_deposit['remaining']} != {remaining}"
paid = record_payment(invoice_id=invoice_id, amount=float(remaining), date="2026-05-29", account="savings")

print(f"Total: {total}  Deposit: {deposit}  Final: {remaining}  Status: {paid['status']}")
print(repr(deposit), deposit.as_tuple().exponent, sum([deposit, remaining], Decimal(0)) == total, money("2.675"))
try:
    money("abc")
except ValueError as err:
    print("ValueError:", err)

savings = [a for a in list_accounts() if a["account"] == "savings"][0]["balance"]
final_answer({
    "invoice_total": float(total),
    "deposit": float(deposit),
    "final_payment": float(remaining),
    "savings_balance": savings,
})
