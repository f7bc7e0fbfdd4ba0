import traceback
import logging
import sys

logger = logging.getLogger(__name__)
logger.setLevel(logging.DEBUG)
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(logging.Formatter("[%(levelname)-8s] %(message)s"))
logger.addHandler(handler)

def safe_call(fn, *args, default=None, **kwargs):
    """Call fn and return (result, error)."""
    try:
        return fn(*args, **kwargs), None
    except Exception as exc:
        logger.error("%s failed: %s", getattr(fn, "__name__", str(fn)), exc)
        return default, exc

def process():
    result, error = safe_call(record_payment, invoice_id="INV-001", amount=10.0, date="2026-05-01", default={})
    if error is not None:
        logger.debug("error type: %s", type(error).__name__)
    try:
        try:
            total = result["total"]
        except KeyError as key_error:
            raise RuntimeError("payment has no total") from key_error
        finally:
            logger.info("inner finally")
    except RuntimeError:
        logger.warning("traceback has %d lines", len(traceback.format_exc().strip().splitlines()))
        total = 0
    return total

if __name__ == "__main__":
    try:
        value = process()
        logger.info("value=%r", value)
        accounts, err = safe_call(list_accounts)
        assert err is None and accounts
        logger.info("%d accounts", len(accounts))
        raise SystemExit(0)
    except SystemExit as e:
        print("exit code", e.code)
    except Exception:
        traceback.print_exc()
        sys.exit(1)
