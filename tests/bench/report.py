"""The figures and how they are shown: a table with targets, or JSON."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


def percentile(values: list[float], percent: float) -> float:
    """The value below which so many percent of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")


@dataclass
class Figure:
    """One measured figure. `values` are the repeats; `peers` are what Odoo 19 and Tryton 8.2 reached."""

    name: str
    unit: str
    values: list[float]
    target: float | None = None
    at_most: bool = False
    peers: str = ""
    section: str = ""

    @property
    def value(self) -> float:
        return median(self.values) if self.values else float("nan")

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        met = self.value <= self.target if self.at_most else self.value >= self.target
        return "met" if met else "NOT MET"

    def row(self) -> list[str]:
        goal = "" if self.target is None else f"{'≤' if self.at_most else '≥'} {_short(self.target)}"
        return [self.name, _short(self.value), self.unit, goal, self.verdict, f"({self.peers})" if self.peers else ""]


@dataclass
class Report:
    """Everything that was measured, in order; printed as it comes."""

    figures: list[Figure] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    title: str = ""

    def section(self, title: str) -> None:
        self.title = title
        print(f"\n{title}", flush=True)

    def add(self, name: str, unit: str, values: list[float], **more: Any) -> Figure:
        """Note a figure and print it."""
        figure = Figure(name, unit, values, section=self.title, **more)
        self.figures.append(figure)
        show([figure.row()])
        return figure

    def table(self, title: str, rows: list[list[str]]) -> None:
        """Print details that are no figures, and keep them for the JSON."""
        self.details[title] = rows
        print(f"  {title}", flush=True)
        show(rows, indent=4, fixed=False)

    def note(self, text: str) -> None:
        self.details.setdefault("notes", []).append(text)
        print(f"  {text}", flush=True)

    def summary(self) -> None:
        """All figures that have a target, by section."""
        print("\nTARGETS", flush=True)
        aimed = [figure for figure in self.figures if figure.target is not None]
        for title in dict.fromkeys(figure.section for figure in aimed):
            self.section(title)
            show([figure.row() for figure in aimed if figure.section == title])

    def write(self, path: Path) -> None:
        figures = [{**vars(f), "value": f.value, "verdict": f.verdict} for f in self.figures]
        path.write_text(json.dumps({"figures": figures, "details": self.details}, indent=1), encoding="utf-8")


_NUMBER = re.compile(r"[≤≥ ]*[\d.,]+$")
_WIDTHS = (66, 9, 12, 9, 8, 0)


def show(rows: list[list[str]], indent: int = 2, fixed: bool = True) -> None:
    """Print rows in columns: numbers to the right."""
    if not rows:
        return
    widths = _WIDTHS if fixed else tuple(max(len(row[i]) for row in rows) for i in range(len(rows[0])))
    for row in rows:
        cells = [_cell(text, width) for text, width in zip(row, widths, strict=True)]
        print((" " * indent + "  ".join(cells)).rstrip(), flush=True)


def _cell(text: str, width: int) -> str:
    return text.rjust(width) if _NUMBER.match(text) else text.ljust(width)


def _short(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
