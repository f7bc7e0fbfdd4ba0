// Book a month's receipts and payments and sum them up.
const receipts = [
  ["2026-04-03", "Buchladen Lesezeit", "sales", 4380.00],
  ["2026-04-15", "Cafe Treibgut", "repairs", 1265.50],
  ["2026-04-25", "Volkshochschule Nordhafen", "courses", 412.00],
] as const;
const payments = [
  ["2026-04-01", "Planwerk Soft", "software", 248.00],
  ["2026-04-10", "Werkzeug Harms", "equipment", 736.80],
  ["2026-04-17", "Plakat und Partner", "marketing", 395.25],
  ["2026-04-28", "Kuestenbahn", "travel", 118.60],
] as const;
for (const [date, payer, category, amount] of receipts) {
  await tools.record_income({ amount, payer, category, date });
}
for (const [date, payee, category, amount] of payments) {
  await tools.record_expense({ amount, payee, category, date });
}

const summary = await tools.summarize_finances({ since: "2026-04-01", until: "2026-04-30" });
const spending = await tools.summarize_spending({ since: "2026-04-01", until: "2026-04-30" });
const accounts = await tools.list_accounts();
const balances = Object.fromEntries(accounts.map(({ account, balance }) => [account, balance]));
await final_answer({
  income: summary.income,
  expenses: summary.expenses,
  net: summary.net,
  operating_balance: balances.operating,
  largest_expense_category: spending[0].category,
});
