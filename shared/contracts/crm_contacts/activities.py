"""Activities: what was done for a contact, and what is to be done."""

from typing import Any

from shared.kernel.refusals import Invalid
from shared.schema import Choice, Group, Instant, Multiline, Refers, Resource, State, Text, Verb, rule

TYPES = {"note": "Note", "call": "Call", "email": "E-mail", "meeting": "Meeting", "task": "Task"}


class Completion(Group):
    """How an activity ended."""

    outcome = Multiline(2000, "What came of it.", null=True)


class Activity(Resource, path="/v1/activities", permission="contacts.activities", label="subject"):
    """A note, call, e-mail, meeting or task: done already, or due."""

    type = Choice(TYPES, "What it is.", required=True, create_only=True, filter=True)
    status = State(open="Open", done="Done", start="open", tones={"done": "success"})
    subject = Text(200, "What it is about.", required=True, filter=True, sort=True, search=True, index=True)
    body = Multiline(10_000, "The text of the note, or what is to be done.", null=True, search=True, index=True)
    contact_id = Refers("contacts", "Whom it concerns.", null=True, index=True)
    owner_id = Refers("users", "Who does it.", null=True, index=True)
    due_at = Instant("When it is due.", null=True, filter=True, sort=True, index=True)
    reminder_at = Instant("When its owner is reminded.", null=True, filter=True)
    done_at = Instant("When it was done.", null=True, computed=True, filter=True, sort=True)
    outcome = Multiline(2000, "What came of it.", null=True, computed=True)

    complete = Verb("Complete the activity: it is done now", of=("open",), to="done", request=Completion)
    reopen = Verb("Reopen the activity", of=("done",), to="open")

    @rule
    def reminds_before_it_is_due(self: Any) -> None:
        if self.reminder_at and self.due_at and self.reminder_at > self.due_at:
            raise Invalid.at("/reminder_at", "after_due")
