// Invoice three clients, record what they paid and mark the one who owes most.
const jobs: { client: string; days: number; lines: InvoiceLine[] }[] = [
  {
    client: "Segelschule Kranich",
    days: 30,
    lines: [{ description: "Boathouse shelves", quantity: 48, unit_price: 76.00 }],
  },
  {
    client: "Bistro Mole",
    days: 45,
    lines: [{ description: "Counter repair", quantity: 26, unit_price: 88.00 }],
  },
  {
    client: "Museum Leuchtturm",
    days: 30,
    lines: [
      { description: "Display cases", quantity: 64, unit_price: 79.50 },
      { description: "Assembly", quantity: 12, unit_price: 58.00 },
    ],
  },
];
const ids: string[] = [];
for (const { client, days, lines } of jobs) {
  const invoice = await tools.create_invoice({ client, lines, issued_on: "2026-06-01", due_in_days: days });
  ids.push(invoice.invoice_id);
}
for (const invoice_id of ids) {
  await tools.update_invoice_status({ invoice_id, status: "sent", date: "2026-06-01" });
}

const [school, bistro, museum] = ids;
await tools.record_payment({ invoice_id: school, amount: 1500.00, date: "2026-06-15" });
await tools.update_invoice_status({ invoice_id: bistro, status: "paid", date: "2026-06-18" });
await tools.record_payment({ invoice_id: museum, amount: 4000.00, date: "2026-06-22" });

const open: Invoice[] = await tools.list_invoices({ status: "sent" });
const largest = open.reduce((largest, each) => (each.remaining > largest.remaining ? each : largest));
const late = await tools.update_invoice_status({
  invoice_id: largest.invoice_id,
  status: "overdue",
  date: "2026-07-02",
});
const receivables = await tools.summarize_receivables();
await final_answer({
  invoiced: receivables.invoiced,
  collected: receivables.collected,
  outstanding: receivables.outstanding,
  overdue_client: late.client,
  overdue_amount: late.remaining,
});
