import json
import traceback
from datetime import date, datetime
from decimal import Decimal
from enum import Enum


class Status(str, Enum):
    SENT = "sent"
    PAID = "paid"


class Encoder(json.JSONEncoder):
    def default(self, o):
        if isinstance(o, (date, datetime)):
            return o.isoformat()
        if isinstance(o, Decimal):
            return float(o)
        if isinstance(o, set):
            return sorted(o)
        return super().default(o)


report = {"created": date(2026, 3, 31), "budget": Decimal("1250.50"), "tags": {"q1", "close"}, "steps": []}


def run_step(name, function, *args, **kwargs):
    """Run one step and never let it stop the others."""
    try:
        value = function(*args, **kwargs)
        report["steps"].append({"name": name, "ok": True, "value": value})
    except Exception as exc:
        report["steps"].append(
            {"name": name, "ok": False, "error": str(exc), "trace": traceback.format_exc().splitlines()[-1]}
        )


run_step("create", create_invoice, client="Kontor Vierling", issued_on="2026-02-16",
         lines=[{"description": "Office fit-out", "quantity": 95, "unit_price": 84.0}])
run_step("send", update_invoice_status, invoice_id="INV-001", status=Status.SENT.value, date="2026-02-16")
run_step("pay", update_invoice_status, "INV-001", Status.PAID, "2026-03-18")
run_step("pay again", update_invoice_status, "INV-001", Status.PAID.value, "2026-03-18")
run_step("divide", lambda: 1 / 0)

print(json.dumps(report, indent=2, cls=Encoder, sort_keys=True, ensure_ascii=False))
print(json.dumps({"when": datetime(2026, 1, 2, 3, 4)}, default=str))
