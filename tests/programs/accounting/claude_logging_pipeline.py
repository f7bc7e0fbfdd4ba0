import logging
from contextlib import contextmanager

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
log = logging.getLogger("bookkeeping")


@contextmanager
def step(name):
    log.info("starting %s", name)
    try:
        yield
    except Exception:
        log.exception("step %s failed", name)
        raise
    else:
        log.info("finished %s", name)
    finally:
        log.debug("leaving %s", name)


with step("receipts"):
    for payer, category, amount in [("Buchladen Lesezeit", "sales", 4380.0), ("Cafe Treibgut", "repairs", 1265.5)]:
        row = record_income(amount=amount, payer=payer, category=category, date="2026-04-03")
        log.info("booked %s for %.2f", row["transaction_id"], row["amount"])

try:
    with step("a payment that is too large"):
        record_expense(amount=1_000_000, payee="Nobody", category="fees", date="2026-04-04")
except ToolError as error:
    log.warning("skipped: %s", error)

print(summarize_finances())
