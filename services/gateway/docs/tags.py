"""Tags of the document, each with an introduction, in groups by area (`x-tagGroups`)."""

from typing import Any

from shared import contracts
from shared.schema.areas import AREAS, TAGS, area_of


def tags(paths: dict[str, Any]) -> list[dict[str, Any]]:
    """Every tag that an operation has, with what it holds."""
    return [{"name": tag, "description": _introduction(tag)} for tag in sorted(_permissions(paths))]


def groups(paths: dict[str, Any]) -> list[dict[str, Any]]:
    """The areas in their order, each with its tags."""
    found: dict[str, list[str]] = {area.title: [] for area in AREAS}
    for tag, permission in sorted(_permissions(paths).items()):
        if area := area_of(tag, permission):
            found[area.title].append(tag)
    return [{"name": a.title, "description": a.introduction, "tags": found[a.title]} for a in AREAS]


def _introduction(tag: str) -> str:
    for service in contracts.SERVICES:
        if resource := contracts.resources(service).get(tag):
            return resource.declaration.described
    return TAGS.get(tag, "")


def _permissions(paths: dict[str, Any]) -> dict[str, str]:
    """Each tag with a permission of its operations; one of an area rather than none."""
    found: dict[str, str] = {}
    for item in paths.values():
        for operation in item.values():
            tag, permission = operation["tags"][0], operation["x-permission"]
            if "." in permission or tag not in found:
                found[tag] = permission
    return found
