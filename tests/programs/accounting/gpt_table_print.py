from textwrap import dedent, fill, indent, shorten

def print_table(headers, rows, align=None):
    widths = [max(len(str(cell)) for cell in column) for column in zip(headers, *rows)]
    align = align or ["<"] * len(headers)
    line = "+".join("-" * (w + 2) for w in widths)
    line = f"+{line}+"
    print(line)
    for row in [headers, *rows]:
        cells = [f" {str(cell):{a}{w}} " for cell, a, w in zip(row, align, widths)]
        print("|" + "|".join(cells) + "|")
        if row is headers:
            print(line.replace("-", "="))
    print(line)

record_income(amount=4380, payer="Buchladen Lesezeit", category="sales", date="2026-04-03")
record_expense(amount=248, payee="Planwerk Soft", category="software", date="2026-04-01")
transfer_funds(from_account="operating", to_account="tax", amount=800, date="2026-04-30")

rows = [(t["transaction_id"], t["date"], t["kind"], f"{t['amount']:,.2f}") for t in list_transactions()]
print_table(["id", "date", "kind", "amount"], rows, align=["<", "^", "<", ">"])

summary = summarize_finances()
text = dedent("""
    The books hold {count} rows. Income was {income:,.2f} and expenses were {expenses:,.2f},
    which leaves {net:+,.2f}.
""").strip().format(count=summary["transaction_count"], **{k: v for k, v in summary.items() if k != "transaction_count"})
print(indent(fill(text, width=50), "> "))
print(shorten(text, width=30, placeholder="..."))
print("%-10s|%8.2f|%05d|%s" % ("net", summary["net"], 42, {"a": 1}))
print("{:<10}|{:^10}|{:>10}|{!r:>6}|{:08.3f}|{:+d}|{:e}|{:%}".format("l", "c", "r", "q", 3.14159, 5, 12345.678, 0.256))
