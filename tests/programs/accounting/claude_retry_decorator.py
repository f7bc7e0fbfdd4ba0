import functools
import random
import time
from typing import Callable, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def retry(times: int = 3, delay: float = 0.5, exceptions: tuple[type[BaseException], ...] = (Exception,)):
    """Retry a function with exponential back-off and jitter."""

    def decorator(func: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(func)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            last_error = None
            for attempt in range(1, times + 1):
                try:
                    return func(*args, **kwargs)
                except exceptions as error:
                    last_error = error
                    wait = delay * 2 ** (attempt - 1) * (1 + random.random() * 0.1)
                    print(f"{func.__name__}: attempt {attempt}/{times} failed: {error}")
                    time.sleep(wait)
            raise RuntimeError(f"{func.__name__} failed after {times} attempts") from last_error

        return wrapper

    return decorator


@retry(times=2, delay=0.1, exceptions=(ToolError,))
def pay(invoice_id: str, amount: float) -> dict:
    """Record a payment."""
    return record_payment(invoice_id=invoice_id, amount=amount, date="2026-05-11")


invoice = create_invoice(
    client="Reederei Holm",
    lines=[{"description": "Cabin refit", "quantity": 44, "unit_price": 81.5}],
    issued_on="2026-05-04",
    due_in_days=21,
)
try:
    pay(invoice["invoice_id"], 100.0)  # still a draft
except RuntimeError as error:
    print(error, "| cause:", type(error.__cause__).__name__, error.__cause__)

update_invoice_status(invoice_id=invoice["invoice_id"], status="sent", date="2026-05-04")
print(pay(invoice["invoice_id"], 100.0)["remaining"], pay.__name__, pay.__doc__)
