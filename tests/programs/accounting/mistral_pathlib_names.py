from pathlib import PurePath, PurePosixPath

invoices = [
    create_invoice(client=client, issued_on="2026-04-07", lines=[{"description": "Work", "quantity": q, "unit_price": 10.0}])
    for client, q in [("Hotel Seebrise", 3), ("Praxis Amsel", 4)]
]
base = PurePosixPath("/archive") / "2026" / "04"
names = []
for invoice in invoices:
    path = base / f"{invoice['invoice_id']}_{invoice['client'].replace(' ', '-').lower()}.pdf"
    names.append(path)
    print(path, path.name, path.stem, path.suffix, path.parent.name)
print(names[0].with_suffix(".txt").as_posix(), names[0].relative_to("/archive"), names[0] < names[1], len(names[0].parts))
print(PurePath("a", "b").joinpath("c"), names[0].match("*.pdf"), isinstance(base, PurePath))
