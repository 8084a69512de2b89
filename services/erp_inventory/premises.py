"""Flow: a warehouse is opened, with a location for its stock."""

from typing import Any

from sqlalchemy.orm import Session

from erp_inventory.models import Warehouse
from shared.contracts import erp_inventory as inventory
from shared.flows.entrypoints import command
from shared.kernel.ids import new_id


class Premises:
    """Where goods lie. A default warehouse and the virtual locations exist from the start."""

    @command(inventory.Warehouse.create)
    def create_warehouse(self, session: Session, request: dict[str, Any]) -> Warehouse:
        """A warehouse is opened, with a location for its stock."""
        warehouse = Warehouse(**{**request, "id": request.get("id") or new_id()}, stock_location_id=new_id())
        session.add(warehouse)
        session.flush()  # the two refer to each other; the warehouse's side is checked at commit
        session.add(warehouse.stock_location())
        return warehouse
