"""The journals of original entry."""

from shared.schema import Choice, Refers, Resource, Text

JOURNAL_TYPES = {
    "sale": "Sales",
    "purchase": "Purchases",
    "bank": "Bank",
    "cash": "Cash",
    "general": "General",
    "stock": "Stock",
    "opening": "Opening",
}


class Journal(
    Resource,
    path="/v1/journals",
    permission="finance.journals",
    label=("code", "name"),
    operations=("get", "list"),
    default_sort="code",
    unique=(("company_id", "code"),),
):
    """A journal of original entry."""

    company_id = Refers("companies", "Whose books it is part of.")
    code = Text(10, "As numbers of entries begin.", filter=True, sort=True)
    name = Text(200, "Its French name, which legal exports carry.")
    name_en = Text(200, "Its English name.", title="English name")
    type = Choice(JOURNAL_TYPES, "What is entered in it.", filter=True)
