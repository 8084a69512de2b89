"""What the auditor says: a table for people, JSON for programs."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deploy.auditor.catalogue import TITLES
from deploy.auditor.findings import Findings

SHOWN = 20
"""Violations shown per invariant in the table; the JSON file has more."""


def table(results: Mapping[str, Findings], seconds: float) -> str:
    """One line per invariant, then every violation with its ids."""
    lines = [f"{'':5}{'checked':>10}{'broken':>8}{'pending':>9}"]
    for name, found in results.items():
        lines.append(f"{name:5}{found.checked:10}{found.broken:8}{found.pending:9}  {TITLES[name]}")
    for name, found in results.items():
        lines += [f"{name}  {_described(violation)}" for violation in found.violations[:SHOWN]]
        if found.broken + found.pending > SHOWN:
            lines.append(f"{name}  … and {found.broken + found.pending - SHOWN} more")
    broken, pending = (sum(getattr(f, what) for f in results.values()) for what in ("broken", "pending"))
    checked = sum(found.checked for found in results.values())
    verdict = "All invariants hold." if not broken else f"{broken} violations."
    lines.append(f"{checked} facts checked in {seconds:.1f} s. {verdict}" + (f" {pending} pending." if pending else ""))
    return "\n".join(lines)


def _described(violation: Any) -> str:
    ids = ", ".join(f"{name} {value}" for name, value in violation.ids.items())
    return f"{violation.sentence}{' [' + ids + ']' if ids else ''}{' (pending)' if violation.pending else ''}"


def document(results: Mapping[str, Findings], read_at: datetime, seconds: float) -> str:
    """The same as JSON: {read_at, seconds, clean, invariants: {name: {title, checked, broken, pending, violations}}}."""
    invariants = {
        name: {
            "title": TITLES[name], "checked": found.checked, "broken": found.broken, "pending": found.pending,
            "violations": [
                {"sentence": v.sentence, "ids": dict(v.ids), "since": v.since and v.since.isoformat(), "pending": v.pending}
                for v in found.violations
            ],
        }
        for name, found in results.items()
    }  # fmt: skip
    clean = not any(found.broken for found in results.values())
    whole = {"read_at": read_at.isoformat(), "seconds": round(seconds, 3), "clean": clean, "invariants": invariants}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
