import re
from typing import Iterator, NamedTuple

TEXT = """
Received (date, from, category, euro):
2026-04-03, Buchladen Lesezeit, sales, 4,380.00
2026-04-15, Cafe Treibgut, repairs, 1,265.50

Paid (date, to, category, euro):
2026-04-01, Planwerk Soft, software, 248.00
garbage in between
2026-04-28, Kuestenbahn, travel, 118.60
"""

ROW = re.compile(
    r"""
    ^(?P<date>\d{4}-\d{2}-\d{2}),\s*      # ISO day
    (?P<party>[^,]+),\s*                  # other side
    (?P<category>\w+),\s*
    (?P<amount>[\d,]+\.\d{2})$            # 1,234.56
    """,
    re.VERBOSE | re.MULTILINE,
)


class Row(NamedTuple):
    date: str
    party: str
    category: str
    amount: float

    @classmethod
    def parse(cls, match: "re.Match[str]") -> "Row":
        fields = match.groupdict()
        return cls(**{**fields, "amount": float(fields["amount"].replace(",", ""))})


def sections(text: str) -> Iterator[tuple[str, str]]:
    for heading in re.finditer(r"^(Received|Paid)\b.*?:$", text, flags=re.M):
        following = re.search(r"^\w+ \(", text[heading.end():], flags=re.M)
        end = heading.end() + following.start() if following else len(text)
        yield heading[1].lower(), text[heading.end():end]


for kind, body in sections(TEXT):
    rows = [Row.parse(match) for match in ROW.finditer(body)]
    for row in rows:
        if kind == "received":
            record_income(amount=row.amount, payer=row.party, category=row.category, date=row.date)
        else:
            record_expense(amount=row.amount, payee=row.party, category=row.category, date=row.date)
    print(kind, len(rows), round(sum(row.amount for row in rows), 2), rows[-1]._replace(date="...")._asdict())

print(re.sub(r"(\d)(?=(\d{3})+\.)", r"\1,", f"{summarize_finances()['income']:.2f}"), re.split(r"[;,]\s*", "a, b;c"))
