// Book fourteen expenses, compare four categories with their budgets and cover the overrun.
const budgets = { supplies: 3000.00, marketing: 1500.00, travel: 900.00, training: 700.00 };
type Budgeted = keyof typeof budgets;
const expenses = [
  ["2026-09-04", "Holzhandel Wiek", "supplies", 1985.00],
  ["2026-09-07", "Papier Brandt", "supplies", 164.50],
  ["2026-09-09", "Leim und Lack", "supplies", 92.30],
  ["2026-09-15", "Holzhandel Wiek", "supplies", 248.75],
  ["2026-09-22", "Beschlag Krause", "supplies", 173.20],
  ["2026-09-08", "Plakat und Partner", "marketing", 540.00],
  ["2026-09-14", "Messe Nordhafen", "marketing", 715.00],
  ["2026-09-23", "Fotostudio Linse", "marketing", 128.40],
  ["2026-09-10", "Kuestenbahn", "travel", 386.00],
  ["2026-09-16", "Pension Duene", "travel", 271.90],
  ["2026-09-24", "Taxi Sund", "travel", 64.20],
  ["2026-09-11", "Anker Akademie", "training", 190.00],
  ["2026-09-17", "Meisterschule Lund", "training", 420.00],
  ["2026-09-25", "Fachbuch Pohl", "training", 55.00],
] as const;
for (const [date, payee, category, amount] of expenses) {
  await tools.record_expense({ amount, payee, category, date });
}

const spending = await tools.summarize_spending({ since: "2026-09-01", until: "2026-09-30" });
const budgeted = spending.filter(({ category }) => category in budgets);
const spent = Object.fromEntries(budgeted.map(({ category, total }) => [category, total]));
const categories = Object.keys(budgets) as Budgeted[];
const overBudget = categories.filter((category) => spent[category] > budgets[category]).sort();
const excess = overBudget.reduce((sum, category) => sum + spent[category] - budgets[category], 0);
const overrun = Math.round(excess * 100) / 100;
const transfer = await tools.transfer_funds({
  from_account: "savings",
  to_account: "operating",
  amount: overrun,
  date: "2026-09-30",
});
await final_answer({
  supplies_spent: spent.supplies,
  marketing_spent: spent.marketing,
  travel_spent: spent.travel,
  training_spent: spent.training,
  largest_expense: Math.max(...budgeted.map(({ largest }) => largest)),
  over_budget: overBudget,
  overrun,
  operating_balance: transfer.to_balance,
});
