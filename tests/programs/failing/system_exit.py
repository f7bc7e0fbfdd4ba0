print("before")
raise SystemExit("stopped: no orders")
