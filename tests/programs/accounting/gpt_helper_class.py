class InvoiceManager(object):
    """Encapsulates all invoice related operations."""

    DEFAULT_TERMS = 30
    _instance_count = 0

    def __init__(self, api=None):
        self.api = api or tools
        self.created = {}
        InvoiceManager._instance_count += 1

    @staticmethod
    def make_line(description, quantity, unit_price):
        return {"description": description, "quantity": float(quantity), "unit_price": float(unit_price)}

    @classmethod
    def with_defaults(cls):
        manager = cls()
        assert isinstance(manager, cls)
        return manager

    def create(self, client, *items, **options):
        lines = [self.make_line(*item) for item in items]
        invoice = self.api.create_invoice(
            client=client,
            lines=lines,
            issued_on=options.get("issued_on", "2026-04-07"),
            due_in_days=options.pop("due_in_days", self.DEFAULT_TERMS),
        )
        self.created[invoice["invoice_id"]] = invoice
        return invoice

    def send(self, invoice_id, date):
        if invoice_id not in self.created:
            raise KeyError("Unknown invoice: %s" % invoice_id)
        self.created[invoice_id].update(self.api.update_invoice_status(invoice_id, "sent", date))
        return self

    def __len__(self):
        return len(self.created)

    def __getitem__(self, invoice_id):
        return self.created[invoice_id]

    def __contains__(self, invoice_id):
        return invoice_id in self.created

    def __iter__(self):
        return iter(self.created.values())

    def __repr__(self):
        return "<%s invoices=%d total=%.2f>" % (self.__class__.__name__, len(self), sum(i["total"] for i in self))


manager = InvoiceManager.with_defaults()
manager.create("Hotel Seebrise", ("Cabinet making", 62, 68), ("Installation", 14, 54.5))
manager.create("Praxis Amsel", ("Shelf design", 35, 72), due_in_days=14)
manager.send("INV-001", "2026-04-07")
try:
    manager.send("INV-009", "2026-04-07")
except KeyError as e:
    print("Error:", e, e.args)
print(manager, "INV-001" in manager, "INV-003" in manager, manager["INV-002"]["due_on"])
print("Instances: {}".format(InvoiceManager._instance_count))
