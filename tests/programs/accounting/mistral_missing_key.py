# A guess at the shape of the result that turns out to be wrong
summary = summarize_finances(since="2026-01-01")
print("Keys:", list(summary.keys()))

def total_of(summary):
    return summary["total"]

print(total_of(summary))
