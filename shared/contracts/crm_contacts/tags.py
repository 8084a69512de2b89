"""Tags: the words by which records are grouped, with what they mean."""

from shared.schema import Choice, Multiline, Resource, Text

COLOURS = ("grey", "red", "orange", "yellow", "green", "blue", "purple")


class Tag(Resource, path="/v1/tags", permission="contacts.tags", label="name", default_sort="name"):
    """A word by which records are grouped and found."""

    name = Text(
        50, "As it stands among the tags of a record.", required=True, unique=True, filter=True, sort=True, search=True
    )
    colour = Choice(COLOURS, "How clients show it.", default="grey", filter=True)
    description = Multiline(500, "When to use it.", null=True, search=True)
