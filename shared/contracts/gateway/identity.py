"""Who may come in, and what they may do there."""

from shared import fields
from shared.contract import Operation
from shared.fields import Schema


class RoleView(Schema):
    """A role and the permissions it holds: `sales.orders:write`, `sales.*:read`, `*:read`, or `*` for all."""

    name = fields.Text()
    permissions = fields.Many(fields.Text())


class RolesView(Schema):
    data = fields.Many(fields.Part(RoleView))


list_roles = Operation("GET /v1/roles", "All roles with their permissions", "gateway.roles:read", response=RolesView)
