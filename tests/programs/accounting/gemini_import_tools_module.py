import tools
from tools import list_accounts, record_income, ToolError
import tools as accounting_api

def run() -> None:
    """Main execution function."""
    print("Starting...")
    tx = accounting_api.record_income(amount=9450.0, payer="Werft Hansen", category="sales", date="2026-05-05")
    print(f"Recorded {tx['transaction_id']} on {tx['date']}")
    try:
        record_income(amount=0, payer="Nobody", category="sales", date="2026-05-05")
    except ToolError as e:
        print(f"An error occurred: {e}")
    except Exception as e:
        print(f"Unexpected: {e}")
    for acc in list_accounts():
        print(f"- {acc['account'].capitalize()}: {acc['balance']:.2f}€ (was {acc['opening_balance']:.2f}€)")
    print(tools.summarize_finances()["transaction_count"])

run()
