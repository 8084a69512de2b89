"""Products from files, row by row."""

from collections.abc import Callable

import pytest

from erp_inventory.service import ErpInventory
from shared.jobs import imports
from tests.harness import Harness


@pytest.mark.parametrize("size", [1, 2, 50])
def test_a_dry_run_finds_what_the_run_finds(
    service: Callable[[type], Harness], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """B4: without a loader as well; unique are SKU, external ids, and what changes have set."""
    monkeypatch.setattr(imports, "ONE_BY_ONE", size)
    stock = service(ErpInventory)
    stock.call("create_product", body={"sku": "OLD", "name": "Old", "external_ids": {"shop": "0"}})
    file = "sku,name,external_ids.shop\nA,A,1\nB,B,2\nA,Again,3\nC,C,1\nC,C,3\nOLD,Old,4\nD,D,4\nE,E,4\n"
    change = "sku,name,external_ids.shop\nOLD,New,7\nF,F,7\nF,F,8\nG,G,8\n"
    for content, options in ((file, {}), (change, {"match_on": "sku"})):
        found = []
        for dry in (True, False):
            job = stock.imported("import_products", content.encode(), dry_run=dry, **options)
            assert job["status"] == "succeeded", job["failure"]
            errors = [(e["row"], e["column"], e["code"], e["message"]) for e in job["errors"]]
            found.append(([job["result"][name] for name in imports.COUNTS], errors))
        assert found[0] == found[1] and found[0][0][3] > 1, found


@pytest.mark.parametrize("size", [1, 2, 50])
def test_what_a_row_gives_up_is_free_for_the_rows_after_it(
    service: Callable[[type], Harness], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """B4: row 2 renames SKU A to B, row 3 creates A; a dry run knows, in whatever batches, and so does the run."""
    monkeypatch.setattr(imports, "ONE_BY_ONE", size)
    stock = service(ErpInventory)
    for sku, shop in ("A", "1"), ("X", "9"):
        stock.call("create_product", body={"sku": sku, "name": "Old", "external_ids": {"shop": shop}})
    file = "sku,name,external_ids.shop\nB,Renamed,1\nA,New,2\nB,Taken,3\nC,C,4\nA,Taken,5\nY,Renamed,9\nX,New,6\n"
    found = []
    for dry in (True, True, False):
        job = stock.imported("import_products", file.encode(), dry_run=dry, match_on="external_ids.shop")
        assert job["status"] == "succeeded", job["failure"]
        found.append(([job["result"][n] for n in imports.COUNTS], [(e["row"], e["code"]) for e in job["errors"]]))
    assert found[0] == found[1] == found[2]
    assert found[2] == ([3, 2, 0, 2], [(4, "duplicate"), (6, "duplicate")])
