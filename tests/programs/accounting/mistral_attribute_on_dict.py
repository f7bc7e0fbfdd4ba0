invoice = create_invoice(
    client="Praxis Amsel",
    lines=[{"description": "Site visit", "quantity": 6, "unit_price": 95.00}],
    issued_on="2026-04-07",
)
# Results are dictionaries, not objects
print(f"Created {invoice.invoice_id}")
