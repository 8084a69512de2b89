"""The legal entity that every installation begins with gets its name."""

from deploy.seed import Api

AFTER = ()
COMPANY = {"name": "Atelier Lumière SARL", "legal_form": "SARL", "share_capital": "10000.00", "payment_days": 30}


def fill(api: Api) -> None:
    company = api.all("/v1/companies", sort="created_at")[0]
    if company["name"] != COMPANY["name"]:
        api.patch(f"/v1/companies/{company['id']}", COMPANY, company["version"])
