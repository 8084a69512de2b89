"""Roles and the permissions that they hold."""

from shared.schema import Flag, Many, Resource, Text
from shared.schema.contract import Operation
from shared.wire import fields
from shared.wire.fields import Schema


class Role(
    Resource,
    path="/v1/roles",
    permission="gateway.roles",
    label="name",
    columns=("name", "permissions"),
    operations=("create", "get", "update", "delete"),
    summaries={"delete": "Delete a role that nobody has"},
):
    """A role that was created; the built-in ones cannot be changed."""

    name = Text(
        50, "By which users name it.", least=2, form=fields.Form("^[a-z][a-z0-9_]*$", error="invalid_name"),
        required=True, unique=True, create_only=True,
    )  # fmt: skip
    permissions = Many(
        Text(100, least=1), "Permissions, also with `*` and with a reach: `sales.orders:read@own`, `@team`.", least=1,
        most=500, required=True,
    )  # fmt: skip
    built_in = Flag("Whether it is part of the program.", computed=True)


class AnyRole(Schema):
    """A role and the permissions it holds: `sales.orders:write`, `sales.*:read`, `*:read@own`, or `*` for all.

    Built-in roles cannot be changed and have no id, version or dates.
    """

    id = fields.Uuid(allow_none=True)
    name = fields.Text()
    permissions = fields.Many(fields.Text())
    built_in = fields.Flag()
    version = fields.Whole(allow_none=True)
    created_at = fields.Instant(allow_none=True)
    updated_at = fields.Instant(allow_none=True)


class RolesView(Schema):
    data = fields.Many(fields.Part(AnyRole))


class PermissionView(Schema):
    """A permission, what it lets its holder do, and the operations that ask for it."""

    name = fields.Text()
    en = fields.Text()
    fr = fields.Text()
    operations = fields.Many(fields.Text())


class PermissionsView(Schema):
    """The names alone in `data`, the same with their meaning in `permissions`."""

    data = fields.Many(fields.Text())
    permissions = fields.Many(fields.Part(PermissionView))


list_roles = Operation("GET /v1/roles", "All roles with their permissions", "gateway.roles:read", response=RolesView)
list_permissions = Operation(
    "GET /v1/permissions",
    "Every permission there is, and what it is for",
    "gateway.roles:read",
    response=PermissionsView,
)
