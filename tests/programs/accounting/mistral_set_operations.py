clients_expected = {"Hotel Seebrise", "Praxis Amsel", "Reederei Holm"}
for i, client in enumerate(sorted(clients_expected | {"Kontor Vierling"}), 1):
    invoice = create_invoice(client=client, issued_on=f"2026-04-{i:02d}", lines=[{"description": "Job", "quantity": i, "unit_price": 50}])
    if i % 2:
        update_invoice_status(invoice["invoice_id"], "sent", f"2026-04-{i + 1:02d}")

sent = {inv["client"] for inv in list_invoices(status="sent")}
drafts = {inv["client"] for inv in list_invoices(status="draft")}
print(sorted(sent), sorted(drafts))
print(sorted(clients_expected - sent), sorted(sent & clients_expected), sorted(sent ^ drafts), sent.isdisjoint(drafts))
print(clients_expected <= sent | drafts, frozenset(sent) == sent, len({*sent, *drafts}))
seen = set()
duplicates = [x for x in ["a", "b", "a", "c", "b"] if x in seen or seen.add(x)]
print(duplicates)
index = {inv["invoice_id"]: inv for inv in list_invoices()}
missing = [f"INV-{n:03}" for n in range(1, 7) if f"INV-{n:03}" not in index]
print(missing, index.get("INV-009", {}).get("total", "unknown"), list(index)[-1])
index.pop("INV-001")
print(len(index), {v["total"]: k for k, v in index.items()}, dict.fromkeys("ab", 0), sum(map(len, index)))
