// Book four bills and sum them up.
const bills = [
  ["2026-03-02", "Kaimauer Immobilien", "rent", 1860.00],
  ["2026-03-09", "Stadtwerke Nordhafen", "utilities", 214.35],
  ["2026-03-12", "Wattline Telecom", "internet", 89.90],
  ["2026-03-20", "Papier Brandt", "supplies", 137.45],
] as const;
for (const [date, payee, category, amount] of bills) {
  await tools.record_expense({ amount, payee, category, date });
}

const summary = await tools.summarize_finances({ since: "2026-03-01", until: "2026-03-31" });
const spending = await tools.summarize_spending({ since: "2026-03-01", until: "2026-03-31" });
const accounts = await tools.list_accounts();
const balances = Object.fromEntries(accounts.map(({ account, balance }) => [account, balance]));
await final_answer({
  total_expenses: summary.expenses,
  operating_balance: balances.operating,
  largest_category: spending[0].category,
});
