from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo
import calendar

BERLIN = ZoneInfo("Europe/Berlin")
UTC = ZoneInfo("UTC")

def month_range(year: int, month: int):
    _, last = calendar.monthrange(year, month)
    return date(year, month, 1), date(year, month, last)

# Quarter boundaries
for m in (1, 2, 3):
    start, end = month_range(2026, m)
    summary = summarize_finances(since=start.isoformat(), until=end.strftime("%Y-%m-%d"))
    print(f"{start:%b %Y}: {(end - start).days + 1} days, net {summary['net']:.2f}")

invoice = create_invoice(
    client="Kontor Vierling",
    lines=[{"description": "Office fit-out", "quantity": 95, "unit_price": 84}],
    issued_on="2026-02-16",
)
issued = datetime.strptime(invoice["issued_on"], "%Y-%m-%d").replace(hour=9, tzinfo=BERLIN)
due = datetime.fromisoformat(invoice["due_on"]).replace(hour=9, tzinfo=BERLIN)
print(issued.isoformat(), due.astimezone(UTC), due - issued, (due - issued) == timedelta(days=30))
for day in (date(2026, 3, 28), date(2026, 3, 29)):
    local = datetime(day.year, day.month, day.day, 12, tzinfo=BERLIN)
    print(local, local.utcoffset(), local.tzname(), local.astimezone(timezone.utc).time())
print(BERLIN, BERLIN.key, repr(UTC))
weekdays = [d for d in (issued.date() + timedelta(days=n) for n in range(7)) if d.weekday() < 5]
print(len(weekdays), weekdays[0], calendar.day_name[weekdays[-1].weekday()])
