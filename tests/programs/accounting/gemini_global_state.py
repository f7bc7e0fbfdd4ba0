running_total = 0.0
history = []
DEBUG = True

def log(message, *args, level="INFO", **kwargs):
    global history
    history = history + [level]
    if DEBUG:
        print(f"[{level}] {message}", *args, **kwargs)

def add_expense(amount, payee, category, date):
    """Adds an expense and updates the running total"""
    global running_total
    record_expense(amount=amount, payee=payee, category=category, date=date)
    running_total += amount
    log(f"{payee}:", amount, sep=" ", flush=True)

def make_counter(start=0):
    count = start
    def increment(step=1):
        nonlocal count
        count += step
        return count
    return increment

counter = make_counter(10)
for amount, payee in [(208.0, "Papier Brandt"), (163.5, "Kuestenbahn")]:
    add_expense(amount, payee, "supplies" if "Papier" in payee else "travel", "2026-03-13")
    counter()
counter(5)
log("Total so far", running_total, level="DEBUG", end=" <<<\n")
print(history, counter(0), "running_total" in globals(), sorted(k for k in locals() if k in ("counter", "history")))
if not DEBUG:
    del history
try:
    del running_total
    print(running_total)
except NameError as e:
    print("NameError:", e)
summarize_spending()
