"""What a new company starts with: the French chart of accounts (PCG), its journals, and the French rates of VAT.

The chart follows ANC 2014-03 as changed by ANC 2022-06 (years opened from 2025): 657/757 and 656/756 instead of
675/775 and the trade part of 666/766, 747 instead of 777.
"""

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"

CONTROL_ACCOUNTS = ("411", "37")
"""Kept equal to their sub-ledgers, so closed to manual entries: customers' open items and the value of stock."""


@dataclass(frozen=True, slots=True)
class ChartAccount:
    """An account of the chart; `name` is French."""

    code: str
    type: str
    reconcilable: bool
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class ChartJournal:
    """A journal of original entry."""

    code: str
    type: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class ChartTaxCode:
    """A rate of VAT, valid from a day on, and the account that carries the tax."""

    code: str
    rate: Decimal
    kind: str
    valid_from: date
    tax_account: str
    exigibility: str
    name: str
    name_en: str


def _rows(file: str) -> list[dict[str, str]]:
    with (_DATA / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@cache
def accounts() -> tuple[ChartAccount, ...]:
    """The accounts of the chart, by code."""
    return tuple(
        ChartAccount(r["code"], r["type"], r["reconcilable"] == "yes", r["name"], r["name_en"])
        for r in _rows("pcg.csv")
    )


@cache
def journals() -> tuple[ChartJournal, ...]:
    """Sales, purchases, bank, cash, general, stock, opening."""
    return tuple(ChartJournal(**row) for row in _rows("journals.csv"))


@cache
def tax_codes() -> tuple[ChartTaxCode, ...]:
    """The rates of mainland France."""
    return tuple(_tax_code(row) for row in _rows("tax_codes.csv"))


def _tax_code(row: dict[str, str]) -> ChartTaxCode:
    return ChartTaxCode(
        code=row["code"],
        rate=Decimal(row["rate"]),
        kind=row["kind"],
        valid_from=date.fromisoformat(row["valid_from"]),
        tax_account=row["tax_account"],
        exigibility=row["exigibility"],
        name=row["name"],
        name_en=row["name_en"],
    )


@cache
def _roots() -> frozenset[str]:
    return frozenset(account.code[:3] for account in accounts())


def is_chart_code(code: str) -> bool:
    """Whether an account may exist: letters and digits, of which the first three are those of the chart (FEC, LPF A47 A-1)."""
    return code.isalnum() and (code[:3] in _roots() or code[:2] in _roots())
