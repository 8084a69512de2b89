"""Rates of VAT, each for a time."""

from shared.schema import Choice, Day, Percent, Resource, Table, Text

TAX_KINDS = {"sale": "Sale", "purchase": "Purchase"}
EXIGIBILITIES = {"delivery": "At delivery", "payment": "At payment"}


class TaxCode(
    Resource,
    path="/v1/tax-codes",
    permission="finance.tax_codes",
    label=("code", "name"),
    operations=("get", "list"),
    default_sort="code",
    unique=(("code", "valid_from"),),
):
    """A rate of VAT for a time."""

    code = Text(20, "As documents name it, such as S20.", filter=True, sort=True)
    name = Text(200, "Its French name.")
    name_en = Text(200, "Its English name.", title="English name")
    rate = Percent("In percent.", filter=True)
    kind = Choice(TAX_KINDS, "What it is for.", filter=True)
    valid_from = Day("Its first day.", filter=True, sort=True)
    valid_to = Day("Its last day; null while it holds.", null=True)
    accounts = Table("The accounts that carry the tax, by use.")
    exigibility = Choice(EXIGIBILITIES, "When the tax falls due (CGI art. 269).")
