// Book three movements, then bring the operating account to its target.
const rounded = (euro: number): number => Math.round(euro * 100) / 100;

async function currentBalances(): Promise<{ [account: string]: number }> {
  const accounts = await tools.list_accounts();
  return Object.fromEntries(accounts.map(({ account, balance }) => [account, balance]));
}

await tools.record_income({
  amount: 9450.00,
  payer: "Werft Hansen",
  category: "sales",
  date: "2026-05-05",
  account: "operating",
});
await tools.transfer_funds({
  from_account: "operating",
  to_account: "savings",
  amount: 14000.00,
  date: "2026-05-06",
});
await tools.record_expense({
  amount: 3275.50,
  payee: "Werkzeug Harms",
  category: "equipment",
  date: "2026-05-19",
  account: "operating",
});
let balances = await currentBalances();
const missing = rounded(8000.00 - balances.operating);
if (missing > 0) {
  await tools.transfer_funds({
    from_account: "savings",
    to_account: "operating",
    amount: missing,
    date: "2026-05-29",
  });
} else if (missing < 0) {
  await tools.transfer_funds({
    from_account: "operating",
    to_account: "savings",
    amount: -missing,
    date: "2026-05-29",
  });
}
balances = await currentBalances();
await final_answer({
  adjustment: Math.abs(missing),
  operating_balance: balances.operating,
  savings_balance: balances.savings,
  total_balance: rounded(Object.values(balances).reduce((sum, balance) => sum + balance, 0)),
});
