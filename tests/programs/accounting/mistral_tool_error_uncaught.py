class Payment:
    def __init__(self, invoice_id, amount):
        self.invoice_id = invoice_id
        self.amount = amount

    def execute(self, date):
        return record_payment(invoice_id=self.invoice_id, amount=self.amount, date=date)

invoice = create_invoice(client="Reederei Holm", issued_on="2026-05-04", due_in_days=21,
                         lines=[{"description": "Cabin refit", "quantity": 44, "unit_price": 81.5}])
payments = [Payment(invoice["invoice_id"], 100.0)]
for payment in payments:
    print("Paying", payment.amount)
    payment.execute("2026-05-11")
print("never reached")
