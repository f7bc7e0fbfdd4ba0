from typing import List, Dict, Any, Optional
import json
import sys

def book_expenses(expenses: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """
    Record every expense and return the created transactions.

    :param expenses: list of dicts with keys date, payee, category, amount
    :return: list of transactions
    """
    created: List[Dict[str, Any]] = []
    for e in expenses:
        try:
            tx = record_expense(
                amount=e["amount"],
                payee=e["payee"],
                category=e["category"],
                date=e["date"],
                account="operating",
            )
        except Exception as exc:  # noqa: BLE001
            print(f"Failed to record {e['payee']}: {exc}", file=sys.stderr)
            raise
        created.append(tx)
    return created

def get_balance(account_name: str) -> Optional[float]:
    for acc in list_accounts():
        if acc.get("account") == account_name:
            return acc.get("balance")
    return None

expenses = [
    {"date": "2026-03-02", "payee": "Kaimauer Immobilien", "category": "rent", "amount": 1860.00},
    {"date": "2026-03-09", "payee": "Stadtwerke Nordhafen", "category": "utilities", "amount": 214.35},
    {"date": "2026-03-12", "payee": "Wattline Telecom", "category": "internet", "amount": 89.90},
    {"date": "2026-03-20", "payee": "Papier Brandt", "category": "supplies", "amount": 137.45},
]

transactions = book_expenses(expenses)
spending = summarize_spending(since="2026-03-01", until="2026-03-31")
largest = max(spending, key=lambda x: x["total"]) if spending else {"category": "n/a", "total": 0}

result = {
    "total_expenses": round(sum(t["amount"] for t in transactions), 2),
    "operating_balance": get_balance("operating"),
    "largest_category": largest["category"],
}
print(json.dumps(result, indent=4))
final_answer(result)
