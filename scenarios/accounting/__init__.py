"""Eight bookkeeping requests to the assistant of a small joinery, over one world: `ledger.Ledger`."""
