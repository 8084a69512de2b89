"""Who works together, who is who at the customer's, and what is to be done for them."""

from tests.examples.story import Story


def tell(story: Story) -> None:
    api = story.api
    buyer = api.post("/v1/contacts", {"kind": "person", "first_name": "Anne", "last_name": "Roux"})
    role = {"person_id": buyer["id"], "organization_id": story.customer["id"], "starts_on": "2026-01-01"}
    call = {"type": "call", "contact_id": story.customer["id"], "due_at": "2026-12-01T09:00:00Z"}
    story.team = story.kept("/v1/teams", [{"name": "Ventes"}, {"name": "Atelier"}], {"description": "Paris et Lyon"})
    story.kept("/v1/tags", [{"name": "wholesale", "colour": "blue"}, {"name": "old"}], {"colour": "green"})
    story.kept("/v1/affiliations", [{**role, "role": "Acheteuse"}, {**role, "role": "Gérante"}], {"main": True})
    subjects = [{**call, "subject": "Ask about the lamps"}, {**call, "subject": "Ask again"}]
    made = story.kept("/v1/activities", subjects, {"reminder_at": "2026-12-01T08:45:00Z"})
    api.post(f"/v1/activities/{made['id']}/complete", {"outcome": "They are content"})
    api.post(f"/v1/activities/{made['id']}/reopen")
