"""Which companies an event is for, where that is not the one in which it was published: those of users and webhooks.

The id of zeros means all companies (gateway/events/visibility.py).
"""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute("ALTER TABLE event_store ADD COLUMN companies uuid[]")
    for statement in (_OF_USERS, _OF_DELETED_USERS, _OF_WEBHOOKS):
        op.execute(statement)


_ALL = "ARRAY['00000000-0000-0000-0000-000000000000'::uuid]"

_OF_USERS = f"""
    UPDATE event_store e SET companies = CASE WHEN jsonb_typeof(d.told) = 'array'
        THEN ARRAY(SELECT jsonb_array_elements_text(d.told)::uuid) ELSE {_ALL} END
    FROM (SELECT position, envelope::jsonb #> '{{data,companies}}' AS told FROM event_store
          WHERE service = 'gateway' AND aggregate = 'user' AND routing_key <> 'gateway.user.deleted') AS d
    WHERE d.position = e.position
"""

_OF_DELETED_USERS = """
    UPDATE event_store e SET companies = (
        SELECT b.companies FROM event_store b WHERE b.aggregate = 'user' AND b.aggregate_id = e.aggregate_id
            AND b.position < e.position AND b.companies IS NOT NULL ORDER BY b.position DESC LIMIT 1)
    WHERE service = 'gateway' AND routing_key = 'gateway.user.deleted'
"""
"""They do not say themselves where the user worked, the ones before do."""

_OF_WEBHOOKS = f"""
    UPDATE event_store e SET companies = coalesce(u.companies, {_ALL}) FROM app_user u
    WHERE e.service = 'gateway' AND e.aggregate = 'webhook'
        AND u.id = CAST(e.envelope::jsonb #>> '{{data,owner_id}}' AS uuid)
"""
