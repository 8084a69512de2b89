"""Who signed in, and who was refused."""

from shared.schema.contract import Listing, Operation
from shared.wire import fields
from shared.wire.fields import Schema

OUTCOMES = (
    "accepted", "refused", "locked", "refresh_reused", "denied", "invited", "password_changed", "keys_ended", "oidc_refused",
)  # fmt: skip


class SignInView(Schema):
    """Who came in or did not, when and from where. `detail` names what was denied."""

    id = fields.Uuid()
    at = fields.Instant()
    outcome = fields.Choice(*OUTCOMES)
    email = fields.Text(allow_none=True)
    user_id = fields.Uuid(allow_none=True)
    address = fields.Text()
    detail = fields.Text(allow_none=True)


SIGN_INS = Listing(
    filters={
        "at": fields.Instant(),
        "outcome": fields.Choice(*OUTCOMES),
        "email": fields.Text(most=254),
        "user_id": fields.Uuid(),
        "address": fields.Text(most=100),
    },
    sorts=("at",),
    default_sort="-at",
)

list_sign_ins = Operation(
    "GET /v1/sign-ins",
    "Who came in, who did not, and what was denied",
    "gateway.sign_ins:read",
    response=SignInView,
    listing=SIGN_INS,
    all_companies=True,
)
