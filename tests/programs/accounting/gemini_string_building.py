create_invoice(client='Yachtclub Ost', issued_on='2026-11-05', due_in_days=10,
               lines=[{'description': 'Deck repair', 'quantity': 7.5, 'unit_price': 61.0}])
create_invoice(client='Hotel Seebrise', issued_on='2026-11-06',
               lines=[{'description': 'Cabinet making', 'quantity': 62, 'unit_price': 68.0},
                      {'description': 'Installation', 'quantity': 14, 'unit_price': 54.5}])

report_lines = []
report_lines.append('# Invoices\n')
report_lines += ['| Id | Client | Total |', '|:---|:---|---:|']
for invoice in list_invoices():
    report_lines.append('| {invoice_id} | {client} | {total:,.2f} |'.format(**invoice))
    for i, line in enumerate(invoice['lines'], start=1):
        report_lines.append(f"|   {i}. {line['description']:.<18} | {line['quantity']:g} x {line['unit_price']:.2f} | "
                            f"{line['quantity'] * line['unit_price']:>9.2f} |")
print('\n'.join(report_lines))

names = ', '.join(sorted({inv['client'].split()[0].upper() for inv in list_invoices()}))
print(names.title(), names.replace(', ', '/'), names.partition(',')[2].strip(), len(names))
print('yes' if 'hotel' in names.lower() else 'no', names.startswith(('HOTEL', 'YACHT')), names[::-1][:5])
print('Summary: ' + str(summarize_receivables()['invoice_count']) + ' invoices, ' +
      'first {0[client]!r} due {0[due_on]}'.format(list_invoices()[0]))
print(*[f'{key}={value}' for key, value in summarize_receivables().items()], sep='\n')
print("%s owes %.2f" % ('Nobody', 0), 'ß'.upper(), 'é'.encode('utf-8'), 'a\tb'.expandtabs(4), 'x'.zfill(3), repr('it\'s'))
