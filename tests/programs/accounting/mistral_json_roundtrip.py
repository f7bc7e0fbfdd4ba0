import json
import base64
import hashlib

payload = '''
{
  "receipts": [
    {"date": "2026-04-03", "payer": "Buchladen Lesezeit", "category": "sales", "amount": 4380.00},
    {"date": "2026-04-25", "payer": "Volkshochschule Nordhafen", "category": "courses", "amount": 412}
  ],
  "note": "caf\\u00e9 \\ud83d\\ude00", "nothing": null, "flags": [true, false]
}
'''
data = json.loads(payload)
for receipt in data["receipts"]:
    record_income(**receipt)
text = json.dumps({"summary": summarize_finances(), "note": data["note"]}, indent=2, sort_keys=True)
print(text)
print(json.dumps(data, separators=(",", ":"), ensure_ascii=False))
print(hashlib.sha256(text.encode("utf-8")).hexdigest()[:16], base64.b64encode(b"books").decode("ascii"))
try:
    json.loads("{'single': 1}")
except json.JSONDecodeError as e:
    print(f"Invalid JSON: {e.msg} at line {e.lineno} column {e.colno} (char {e.pos})")
print(json.loads('{"a": 1.10, "b": [1, 2]}', parse_float=str), json.loads("[1]", object_hook=dict))
try:
    json.dumps({1, 2})
except TypeError as e:
    print(e)
