"""Affiliations: which person has which role in which organization, and for how long."""

from typing import Any

from shared.kernel.refusals import Invalid
from shared.schema import Day, Flag, Refers, Resource, Text, rule


class Affiliation(Resource, path="/v1/affiliations", permission="contacts.affiliations", label="role"):
    """A person's role in an organization, such as buyer or managing director."""

    person_id = Refers("contacts", "The person.", where={"kind": "person"}, required=True, create_only=True, index=True)
    organization_id = Refers(
        "contacts", "The organization.", where={"kind": "organization"}, required=True, create_only=True, index=True
    )
    role = Text(100, "What the person is there.", required=True, filter=True, sort=True, search=True, index=True)
    main = Flag("Whether this is the person's main role.", default=False, filter=True)
    starts_on = Day("The first day.", null=True, filter=True, sort=True)
    ends_on = Day("The last day; null while it lasts.", null=True, filter=True, sort=True)

    @rule
    def ends_after_it_starts(self: Any) -> None:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise Invalid.at("/ends_on", "before_start")
