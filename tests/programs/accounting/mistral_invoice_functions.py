from datetime import datetime, timedelta

def create_and_send(client, lines, issued_on, due_in_days, send=False):
    """Create an invoice, optionally mark it as sent."""
    invoice = create_invoice(client=client, lines=lines, issued_on=issued_on, due_in_days=due_in_days)
    if send:
        invoice = update_invoice_status(invoice_id=invoice['invoice_id'], status='sent', date=issued_on)
    return invoice

def due_date(issued_on, days):
    return (datetime.strptime(issued_on, '%Y-%m-%d') + timedelta(days=days)).strftime('%Y-%m-%d')

hotel = create_and_send('Hotel Seebrise', [
    {'description': 'Cabinet making', 'quantity': 62, 'unit_price': 68.00},
    {'description': 'Installation', 'quantity': 14, 'unit_price': 54.50},
], '2026-04-07', 30, send=True)
praxis = create_and_send('Praxis Amsel', [
    {'description': 'Shelf design', 'quantity': 35, 'unit_price': 72.00},
    {'description': 'Site visit', 'quantity': 6, 'unit_price': 95.00},
], '2026-04-07', 14)

print(hotel['status'], praxis['status'])
print(hotel['due_on'] == due_date('2026-04-07', 30), praxis['due_on'] == due_date('2026-04-07', 14))
receivables = summarize_receivables()
print('Outstanding:', receivables['outstanding'])

result = dict(sent_total=hotel['total'], sent_due_on=hotel['due_on'], draft_total=praxis['total'],
              outstanding=receivables['outstanding'])
print(result)
final_answer(answer=result)
