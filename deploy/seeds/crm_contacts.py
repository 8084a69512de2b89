"""Organizations and their people, who works together, and what is to be done for them."""

from deploy.seed import Api, identify

AFTER = ()

ORGANIZATIONS = (
    ("Hôtel des Tuileries", "contact@hotel-tuileries.example", "Paris", "75001", "customer"),
    ("Boutique Clarté", "bonjour@boutique-clarte.example", "Lyon", "69002", "customer"),
    ("Cabinet Moreau Architectes", "agence@moreau-architectes.example", "Nantes", "44000", "customer"),
    ("Librairie du Port", "commandes@librairie-port.example", "La Rochelle", "17000", "customer"),
    ("Restaurant Le Phare", "direction@le-phare.example", "Brest", "29200", "customer"),
    ("Verrerie de Bièvre", "ventes@verrerie-bievre.example", "Bièvres", "91570", "supplier"),
    ("Lin & Fils", "contact@lin-et-fils.example", "Lille", "59000", "supplier"),
)
PERSONS = (
    ("Camille", "Dupont", "camille.dupont@hotel-tuileries.example", "Hôtel des Tuileries"),
    ("Émile", "Lefèvre", "emile@boutique-clarte.example", "Boutique Clarté"),
    ("Sarah", "Moreau", "sarah@moreau-architectes.example", "Cabinet Moreau Architectes"),
    ("Yann", "Le Goff", "yann@le-phare.example", "Restaurant Le Phare"),
    ("Inès", "Garnier", "ines.garnier@courriel.example", None),
)
ACTIVITIES = (
    ("Relancer le devis des suspensions", "call", "Cabinet Moreau Architectes"),
    ("Présenter la collection d'hiver", "meeting", "Hôtel des Tuileries"),
    ("Préfère être livré le matin", "note", "Restaurant Le Phare"),
)


def fill(api: Api) -> None:
    _contacts(api)
    _people(api)


def _contacts(api: Api) -> None:
    """Organizations and their people."""
    for name, email, town, post_code, role in ORGANIZATIONS:
        address = {"type": "billing", "street": "1 place du Marché", "post_code": post_code, "town": town}
        api.create(
            "/v1/contacts", name,
            {"kind": "organization", "name": name, "roles": [role], "language": "fr",
             "emails": [{"value": email, "type": "work", "primary": True}],
             "addresses": [address | {"country": "FR"}]},
        )  # fmt: skip
    for first, last, email, organization in PERSONS:
        body = {
            "kind": "person", "first_name": first, "last_name": last, "language": "fr",
            "emails": [{"value": email, "type": "work", "primary": True}],
        }  # fmt: skip
        body |= {"parent_id": identify(organization)} if organization else {"roles": ["customer"]}
        api.create("/v1/contacts", f"{first} {last}", body)


def _people(api: Api) -> None:
    """Who works together, the roles of people in organizations, and what is to be done for them."""
    for team in ("Ventes", "Atelier"):
        api.create("/v1/teams", f"team: {team}", {"name": team})
    for tag, colour in (("Revendeur", "blue"), ("Architecte", "green"), ("À relancer", "orange")):
        api.create("/v1/tags", f"tag: {tag}", {"name": tag, "colour": colour})
    for first, last, _email, organization in PERSONS:
        if organization:
            named = {"person_id": identify(f"{first} {last}"), "organization_id": identify(organization)}
            api.create("/v1/affiliations", f"role: {last}", {**named, "role": "Achats", "main": True})
    for subject, kind, organization in ACTIVITIES:
        body = {"type": kind, "subject": subject, "contact_id": identify(organization)}
        made = api.create("/v1/activities", f"activity: {subject}", body)
        if kind == "note" and made["status"] == "open":
            api.post(f"/v1/activities/{made['id']}/complete", {}, key=f"complete:{subject}")
