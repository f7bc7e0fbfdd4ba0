import inspect
import secrets
import string
import platform
from http import HTTPStatus

def reference(n=8):
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(n))

class Client:
    """A client of the company."""
    def __init__(self, name, city="Nordhafen"):
        self.name = name
        self.city = city
    def greet(self):
        """Say hello."""
        return f"Moin {self.name}"

client = Client("Hotel Seebrise")
token = secrets.token_hex(4)
print(len(reference()), len(token), inspect.isclass(Client), inspect.isfunction(reference), inspect.getdoc(Client.greet))
print(HTTPStatus.OK.value, HTTPStatus(404).phrase)
invoice = create_invoice(client=client.name, issued_on="2026-10-01", lines=[{"description": "Consulting", "quantity": 2, "unit_price": 120}])
public = [name for name in dir(client) if not name.startswith("_")]
print(public, callable(getattr(client, "greet")), client.greet(), Client.__doc__, isinstance(platform.python_version(), str))
update_invoice_status(invoice["invoice_id"], "sent", "2026-10-01")
print(list_invoices(status="sent")[0]["client"], vars(client), inspect.iscoroutinefunction(reference))
