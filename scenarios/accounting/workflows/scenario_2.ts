// Write two invoices and send one.
const hotel = await tools.create_invoice({
  client: "Hotel Seebrise",
  lines: [
    { description: "Cabinet making", quantity: 62, unit_price: 68.00 },
    { description: "Installation", quantity: 14, unit_price: 54.50 },
  ],
  issued_on: "2026-04-07",
  due_in_days: 30,
});
const practice = await tools.create_invoice({
  client: "Praxis Amsel",
  lines: [
    { description: "Shelf design", quantity: 35, unit_price: 72.00 },
    { description: "Site visit", quantity: 6, unit_price: 95.00 },
  ],
  issued_on: "2026-04-07",
  due_in_days: 14,
});
await tools.update_invoice_status({ invoice_id: hotel.invoice_id, status: "sent", date: "2026-04-07" });
const receivables = await tools.summarize_receivables();
await final_answer({
  sent_total: hotel.total,
  sent_due_on: hotel.due_on,
  draft_total: practice.total,
  outstanding: receivables.outstanding,
});
