// Book a quarter, put a share of its result aside and find its best month.
const receipts = [
  ["2026-01-19", "Buchladen Lesezeit", "sales", 5240.00],
  ["2026-02-19", "Cafe Treibgut", "sales", 3915.50],
  ["2026-03-24", "Galerie Nordlicht", "repairs", 2760.00],
] as const;
const expenses = [
  ["2026-01-05", "Kaimauer Immobilien", "rent", 1860.00],
  ["2026-01-14", "Stadtwerke Nordhafen", "utilities", 236.10],
  ["2026-01-23", "Lotse Versicherung", "insurance", 684.00],
  ["2026-02-03", "Werkzeug Harms", "equipment", 1495.00],
  ["2026-02-11", "Plakat und Partner", "marketing", 520.40],
  ["2026-02-24", "Anker Akademie", "training", 375.00],
  ["2026-03-06", "Kanzlei Moewe", "fees", 910.00],
  ["2026-03-13", "Kuestenbahn", "travel", 163.50],
  ["2026-03-27", "Papier Brandt", "supplies", 208.00],
] as const;
for (const [date, payer, category, amount] of receipts) {
  await tools.record_income({ amount, payer, category, date });
}
for (const [date, payee, category, amount] of expenses) {
  await tools.record_expense({ amount, payee, category, date });
}
const { invoice_id } = await tools.create_invoice({
  client: "Kontor Vierling",
  lines: [{ description: "Office fit-out", quantity: 95, unit_price: 84.00 }],
  issued_on: "2026-02-16",
  due_in_days: 30,
});
await tools.update_invoice_status({ invoice_id, status: "sent", date: "2026-02-16" });
await tools.update_invoice_status({ invoice_id, status: "paid", date: "2026-03-18" });

const quarter = await tools.summarize_finances({ since: "2026-01-01", until: "2026-03-31" });
const spending = await tools.summarize_spending({ since: "2026-01-01", until: "2026-03-31" });
const months: { month: string; net: number }[] = [];
for (const [month, lastDay] of [["2026-01", "31"], ["2026-02", "28"], ["2026-03", "31"]]) {
  const { net } = await tools.summarize_finances({ since: `${month}-01`, until: `${month}-${lastDay}` });
  months.push({ month, net });
}
const best = months.reduce((best, each) => (each.net > best.net ? each : best));
const reserve = Math.round(quarter.net * 0.20 * 100) / 100;
const transfer = await tools.transfer_funds({
  from_account: "operating",
  to_account: "tax",
  amount: reserve,
  date: "2026-03-31",
});
await final_answer({
  income: quarter.income,
  expenses: quarter.expenses,
  net: quarter.net,
  best_month: best.month,
  best_month_net: best.net,
  largest_expense_category: spending[0].category,
  tax_reserve: transfer.amount,
  operating_balance: transfer.from_balance,
});
