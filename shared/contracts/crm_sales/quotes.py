"""Quotes: offers that bind until a date."""

from shared.contracts.crm_sales.documents import DocumentLine, Reason, SalesDocument
from shared.schema import Day, Lines, Multiline, Refers, Resource, State, Verb, Whole


class QuoteLine(DocumentLine):
    """A line of a quote."""


class Quote(
    SalesDocument,
    Resource,
    path="/v1/quotes",
    permission="sales.quotes",
    label="number",
    operations=("create", "get", "list", "update"),
    columns=("number", "customer_name", "status", "valid_until", "gross_total"),
    summaries={
        "create": "Make a draft quote",
        "update": "Change a draft quote: lines are replaced whole, another currency needs new ones",
    },
):
    """An offer to a customer. A revision makes it a draft again under the same number."""

    status = State(
        draft="Draft",
        sent="Sent",
        accepted="Accepted",
        refused="Refused",
        expired="Expired",
        cancelled="Cancelled",
        start="draft",
        tones={"sent": "info", "accepted": "success", "refused": "danger", "expired": "warning"},
    )
    revision = Whole("Counts from 1.", least=1, computed=True, default=1)
    order_id = Refers("orders", "The draft order that its acceptance made.", by_handler=True, computed=True, null=True)
    valid_until = Day("The last day on which it binds.", null=True, filter=True)
    refusal_reason = Multiline(500, "Why the customer refused.", computed=True, null=True)
    lines = Lines(QuoteLine, "What is offered.", least=1, once="id", required=True)

    send = Verb("Send the quote", of=("draft",))
    accept = Verb("Accept the quote: the customer did, and a draft order is made, see order_id", of=("sent",))
    refuse = Verb("Refuse the quote: the customer did", of=("sent",), request=Reason)
    revise = Verb("Revise the quote: it is a draft again", of=("sent", "refused", "expired"))
    cancel = Verb("Cancel the quote: it is withdrawn", of=("draft", "sent"))
