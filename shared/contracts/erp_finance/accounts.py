"""The chart of accounts."""

from shared.schema import Choice, Flag, Refers, Resource, Text

ACCOUNT_TYPES = {
    "asset": "Asset",
    "liability": "Liability",
    "equity": "Equity",
    "income": "Income",
    "expense": "Expense",
}


class Account(
    Resource,
    path="/v1/accounts",
    permission="finance.accounts",
    label=("code", "name"),
    operations=("create", "get", "list", "update"),
    default_sort="code",
    unique=(("company_id", "code"),),
    summaries={"create": "Add an account to the chart", "update": "Rename, block or free an account"},
):
    """A ledger account; the first three digits of its code are those of an account of the chart (FEC rule)."""

    company_id = Refers("companies", "Whose chart it is part of.", create_only=True, optional=True)
    code = Text(
        20, "Its number.", least=3, required=True, create_only=True, filter=True, sort=True, search=True, index=True
    )
    name = Text(200, "Its French name, which legal exports carry.", required=True, filter=True, sort=True, search=True)
    name_en = Text(
        200, "Its English name; else the French one.", title="English name", least=1, optional=True, search=True
    )
    type = Choice(ACCOUNT_TYPES, "What it counts.", required=True, create_only=True, filter=True)
    reconcilable = Flag("Whether its lines are lettered.", default=False, filter=True)
    blocked = Flag("A blocked account takes no manual entries.", default=False, filter=True)
