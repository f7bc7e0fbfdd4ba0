import copy
import pprint
import uuid
import random
import string

random.seed(7)
ref = "".join(random.choices(string.ascii_uppercase + string.digits, k=6))
template = {
    "client": None,
    "issued_on": "2026-05-04",
    "due_in_days": 21,
    "lines": [{"description": "Varnishing", "quantity": 18, "unit_price": 62.0}],
}
first = copy.deepcopy(template)
first["client"] = "Reederei Holm"
second = copy.deepcopy(template)
second.update(client=f"Yachtclub Ost", due_in_days=7)
second["lines"].append({"description": "Deck repair", "quantity": 7.5, "unit_price": 61.0})
assert template["client"] is None and len(template["lines"]) == 1

invoices = [create_invoice(**payload) for payload in (first, second)]
pprint.pprint(invoices[1], width=60, sort_dicts=False)
pp = pprint.PrettyPrinter(indent=2, width=50, compact=True)
pp.pprint({i["invoice_id"]: (i["total"], i["due_on"]) for i in invoices})
print(len(ref), len(str(uuid.uuid4())), uuid.uuid5(uuid.NAMESPACE_DNS, "example.org"), uuid.UUID(int=5).hex[-2:])
print(all(i["remaining"] == i["total"] for i in list_invoices(client="Yachtclub Ost")))
