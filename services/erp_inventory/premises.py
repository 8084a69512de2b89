"""Flow: warehouses are opened, locations added, changed and closed."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from erp_inventory.models import Location, Warehouse
from shared.contracts import erp_inventory as inventory
from shared.flows.entrypoints import ListRequest, Page, command, query
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid


class Premises:
    """Where goods lie. A default warehouse and the virtual locations exist from the start."""

    @command(inventory.create_warehouse)
    def create_warehouse(self, session: Session, request: dict[str, Any]) -> Warehouse:
        """A warehouse is opened, with a location for its stock."""
        warehouse = Warehouse(**{**request, "id": request.get("id") or new_id()}, stock_location_id=new_id())
        session.add(warehouse)
        session.flush()  # the two refer to each other; the warehouse's side is checked at commit
        session.add(warehouse.stock_location())
        return warehouse

    @query(inventory.get_warehouse)
    def get_warehouse(self, session: Session, warehouse: Warehouse) -> Warehouse:
        return warehouse

    @query(inventory.list_warehouses)
    def list_warehouses(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(Warehouse))

    @command(inventory.update_warehouse)
    def update_warehouse(self, session: Session, warehouse: Warehouse, request: dict[str, Any]) -> Warehouse:
        _change(warehouse, request)
        return warehouse

    @command(inventory.create_location)
    def create_location(self, session: Session, request: dict[str, Any]) -> Location:
        """A location is added: an internal one inside a warehouse, any other where the world is to be told apart."""
        warehouse_id = request["warehouse_id"]
        if warehouse_id is None and request["usage"] == "internal":
            raise Invalid.at("/warehouse_id", "required")
        if warehouse_id is not None and session.get(Warehouse, warehouse_id) is None:
            raise Invalid.at("/warehouse_id", "not_found")
        location = Location(**{**request, "id": request.get("id") or new_id()})
        session.add(location)
        return location

    @query(inventory.get_location)
    def get_location(self, session: Session, location: Location) -> Location:
        return location

    @query(inventory.list_locations)
    def list_locations(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(Location))

    @command(inventory.update_location)
    def update_location(self, session: Session, location: Location, request: dict[str, Any]) -> Location:
        _change(location, request)
        return location


def _change(place: Warehouse | Location, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        setattr(place, name, value)
