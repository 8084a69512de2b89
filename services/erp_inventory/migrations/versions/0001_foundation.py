"""The foundation: catalogue, places, the stock ledger, adjustments, deliveries and reservations."""

from alembic import op

from shared.storage.migrations import refuse_changes, revoke

revision = "0001"
down_revision = None

COMPANY = "01900000-0000-7000-8000-000000000001"
WAREHOUSE = "01900000-0000-7000-8000-000000000101"
PLACES = [
    ("01900000-0000-7000-8000-000000000201", "MAIN/STOCK", "Main warehouse", "internal", f"'{WAREHOUSE}'"),
    ("01900000-0000-7000-8000-000000000202", "SUPPLIERS", "Suppliers", "supplier", "NULL"),
    ("01900000-0000-7000-8000-000000000203", "CUSTOMERS", "Customers", "customer", "NULL"),
    ("01900000-0000-7000-8000-000000000204", "PRODUCTION", "Production", "production", "NULL"),
    ("01900000-0000-7000-8000-000000000205", "LOSSES", "Inventory differences", "inventory", "NULL"),
    ("01900000-0000-7000-8000-000000000206", "TRANSIT", "In transit", "transit", "NULL"),
]
IMMUTABLE = ("stock_move", "stock_adjustment", "stock_adjustment_line")
NEVER_DELETED = ("warehouse", "location", "customer_order", "delivery", "delivery_line")


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    _seed()
    for table in IMMUTABLE:
        for statement in refuse_changes(table):
            op.execute(statement)
        op.execute(revoke(table, "UPDATE", "DELETE", "TRUNCATE"))
    for table in NEVER_DELETED:
        op.execute(revoke(table, "DELETE", "TRUNCATE"))


def downgrade() -> None:
    raise RuntimeError("a stock ledger is not thrown away; restore a backup instead")


def _seed() -> None:
    """One warehouse and the places of the outside world, with the ids that the code knows."""
    op.execute(
        "INSERT INTO warehouse (id, company_id, code, name, active, stock_location_id, version, created_at, updated_at)"
        f" VALUES ('{WAREHOUSE}', '{COMPANY}', 'MAIN', 'Main warehouse', true, '{PLACES[0][0]}', 1, now(), now())"
    )
    for place, code, name, usage, warehouse in PLACES:
        op.execute(
            "INSERT INTO location (id, code, name, usage, warehouse_id, active, version, created_at, updated_at)"
            f" VALUES ('{place}', '{code}', '{name}', '{usage}', {warehouse}, true, 1, now(), now())"
        )
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")


TABLES = [
    """
    CREATE TABLE product (
        id uuid NOT NULL,
        company_id uuid NOT NULL,
        sku text NOT NULL,
        name text NOT NULL,
        type text NOT NULL,
        unit text NOT NULL,
        barcode text,
        category text,
        sale_price numeric,
        standard_cost numeric,
        tax_code text NOT NULL,
        tracking text NOT NULL,
        valuation text NOT NULL,
        active boolean NOT NULL,
        external_ids jsonb NOT NULL,
        tags jsonb NOT NULL,
        version bigint NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT pk_product PRIMARY KEY (id),
        CONSTRAINT ck_product_type CHECK (type IN ('goods', 'service', 'consumable')),
        CONSTRAINT ck_product_sale_price CHECK (sale_price >= 0),
        CONSTRAINT ck_product_standard_cost CHECK (standard_cost >= 0),
        CONSTRAINT uq_product_sku UNIQUE (sku)
    )
    """,
    "CREATE INDEX ix_product_barcode_id ON product (barcode, id)",
    "CREATE INDEX ix_product_category_id ON product (category, id)",
    "CREATE INDEX ix_product_created_at_id ON product (created_at, id)",
    "CREATE INDEX ix_product_name_id ON product (name, id)",
    """
    CREATE TABLE warehouse (
        id uuid NOT NULL,
        company_id uuid NOT NULL,
        code text NOT NULL,
        name text NOT NULL,
        active boolean NOT NULL,
        stock_location_id uuid NOT NULL,
        version bigint NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT pk_warehouse PRIMARY KEY (id),
        CONSTRAINT uq_warehouse_code UNIQUE (code)
    )
    """,
    "CREATE INDEX ix_warehouse_created_at_id ON warehouse (created_at, id)",
    """
    CREATE TABLE location (
        id uuid NOT NULL,
        code text NOT NULL,
        name text NOT NULL,
        usage text NOT NULL,
        warehouse_id uuid,
        active boolean NOT NULL,
        version bigint NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT pk_location PRIMARY KEY (id),
        CONSTRAINT ck_location_usage CHECK (usage IN ('internal', 'supplier', 'customer', 'production', 'inventory', 'transit')),
        CONSTRAINT ck_location_internal_in_warehouse CHECK (usage <> 'internal' OR warehouse_id IS NOT NULL),
        CONSTRAINT uq_location_code UNIQUE (code),
        CONSTRAINT fk_location_warehouse_id FOREIGN KEY(warehouse_id) REFERENCES warehouse (id)
    )
    """,
    "ALTER TABLE warehouse ADD CONSTRAINT fk_warehouse_stock_location_id FOREIGN KEY (stock_location_id)"
    " REFERENCES location (id) DEFERRABLE INITIALLY DEFERRED",
    "CREATE INDEX ix_location_created_at_id ON location (created_at, id)",
    "CREATE INDEX ix_location_warehouse_id_id ON location (warehouse_id, id)",
    """
    CREATE TABLE stock_level (
        id uuid NOT NULL,
        product_id uuid NOT NULL,
        location_id uuid NOT NULL,
        warehouse_id uuid NOT NULL,
        on_hand numeric NOT NULL,
        reserved numeric NOT NULL,
        value numeric NOT NULL,
        version bigint NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT pk_stock_level PRIMARY KEY (id),
        CONSTRAINT uq_stock_level_product_id_location_id UNIQUE (product_id, location_id),
        CONSTRAINT ck_stock_level_on_hand CHECK (on_hand >= 0),
        CONSTRAINT ck_stock_level_reserved CHECK (reserved >= 0 AND reserved <= on_hand),
        CONSTRAINT ck_stock_level_value CHECK (value >= 0 AND (on_hand > 0 OR value = 0)),
        CONSTRAINT fk_stock_level_product_id FOREIGN KEY(product_id) REFERENCES product (id),
        CONSTRAINT fk_stock_level_location_id FOREIGN KEY(location_id) REFERENCES location (id),
        CONSTRAINT fk_stock_level_warehouse_id FOREIGN KEY(warehouse_id) REFERENCES warehouse (id)
    )
    """,
    "CREATE INDEX ix_stock_level_location_id_id ON stock_level (location_id, id)",
    "CREATE INDEX ix_stock_level_warehouse_id_id ON stock_level (warehouse_id, id)",
    """
    CREATE TABLE stock_move (
        id uuid NOT NULL,
        position bigint GENERATED ALWAYS AS IDENTITY,
        company_id uuid NOT NULL,
        product_id uuid NOT NULL,
        from_location_id uuid NOT NULL,
        to_location_id uuid NOT NULL,
        from_usage text NOT NULL,
        to_usage text NOT NULL,
        quantity numeric NOT NULL,
        unit text NOT NULL,
        value numeric NOT NULL,
        moved_on date NOT NULL,
        document_type text NOT NULL,
        document_id uuid NOT NULL,
        document_number text NOT NULL,
        document_line_id uuid NOT NULL,
        order_id uuid,
        created_at timestamptz NOT NULL,
        CONSTRAINT pk_stock_move PRIMARY KEY (id),
        CONSTRAINT uq_stock_move_document_type_document_line_id UNIQUE (document_type, document_line_id),
        CONSTRAINT ck_stock_move_quantity CHECK (quantity > 0),
        CONSTRAINT ck_stock_move_value CHECK (value >= 0),
        CONSTRAINT ck_stock_move_locations CHECK (from_location_id <> to_location_id),
        CONSTRAINT uq_stock_move_position UNIQUE (position),
        CONSTRAINT fk_stock_move_product_id FOREIGN KEY(product_id) REFERENCES product (id)
    )
    """,
    "CREATE INDEX ix_stock_move_created_at_id ON stock_move (created_at, id)",
    "CREATE INDEX ix_stock_move_document_id ON stock_move (document_id)",
    "CREATE INDEX ix_stock_move_moved_on_id ON stock_move (moved_on, id)",
    "CREATE INDEX ix_stock_move_order_id ON stock_move (order_id)",
    "CREATE INDEX ix_stock_move_product_id_created_at_id ON stock_move (product_id, created_at, id)",
    """
    CREATE TABLE stock_adjustment (
        id uuid NOT NULL,
        company_id uuid NOT NULL,
        number text NOT NULL,
        warehouse_id uuid NOT NULL,
        reason text NOT NULL,
        adjusted_on date NOT NULL,
        value numeric NOT NULL,
        version bigint NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT pk_stock_adjustment PRIMARY KEY (id),
        CONSTRAINT uq_stock_adjustment_number UNIQUE (number),
        CONSTRAINT fk_stock_adjustment_warehouse_id FOREIGN KEY(warehouse_id) REFERENCES warehouse (id)
    )
    """,
    "CREATE INDEX ix_stock_adjustment_adjusted_on_id ON stock_adjustment (adjusted_on, id)",
    "CREATE INDEX ix_stock_adjustment_created_at_id ON stock_adjustment (created_at, id)",
    "CREATE INDEX ix_stock_adjustment_warehouse_id_id ON stock_adjustment (warehouse_id, id)",
    """
    CREATE TABLE stock_adjustment_line (
        id uuid NOT NULL,
        adjustment_id uuid NOT NULL,
        position bigint NOT NULL,
        product_id uuid NOT NULL,
        quantity_delta numeric NOT NULL,
        counted_quantity numeric,
        unit_cost numeric,
        unit text NOT NULL,
        value numeric NOT NULL,
        CONSTRAINT pk_stock_adjustment_line PRIMARY KEY (id),
        CONSTRAINT fk_stock_adjustment_line_adjustment_id FOREIGN KEY(adjustment_id) REFERENCES stock_adjustment (id),
        CONSTRAINT fk_stock_adjustment_line_product_id FOREIGN KEY(product_id) REFERENCES product (id)
    )
    """,
    "CREATE INDEX ix_stock_adjustment_line_adjustment_id_position ON stock_adjustment_line (adjustment_id, position)",
    "CREATE INDEX ix_stock_adjustment_line_product_id ON stock_adjustment_line (product_id)",
    """
    CREATE TABLE customer_order (
        order_id uuid NOT NULL,
        placed_at timestamptz,
        cancelled_at timestamptz,
        CONSTRAINT pk_customer_order PRIMARY KEY (order_id)
    )
    """,
    """
    CREATE TABLE delivery (
        id uuid NOT NULL,
        company_id uuid NOT NULL,
        number text NOT NULL,
        order_id uuid NOT NULL,
        order_number text NOT NULL,
        placed_at timestamptz NOT NULL,
        customer_id uuid NOT NULL,
        customer_name text NOT NULL,
        warehouse_id uuid NOT NULL,
        location_id uuid NOT NULL,
        status text NOT NULL,
        confirmed boolean NOT NULL,
        carrier text,
        tracking text,
        shipped_on date,
        backorder_of_id uuid,
        version bigint NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT pk_delivery PRIMARY KEY (id),
        CONSTRAINT ck_delivery_status CHECK (status IN ('waiting', 'ready', 'shipped', 'cancelled')),
        CONSTRAINT ck_delivery_shipped_on CHECK ((status = 'shipped') = (shipped_on IS NOT NULL)),
        CONSTRAINT ck_delivery_confirmed CHECK (status NOT IN ('ready', 'shipped') OR confirmed),
        CONSTRAINT uq_delivery_number UNIQUE (number),
        CONSTRAINT fk_delivery_order_id FOREIGN KEY(order_id) REFERENCES customer_order (order_id),
        CONSTRAINT fk_delivery_backorder_of_id FOREIGN KEY(backorder_of_id) REFERENCES delivery (id)
    )
    """,
    "CREATE INDEX ix_delivery_created_at_id ON delivery (created_at, id)",
    "CREATE INDEX ix_delivery_customer_id_id ON delivery (customer_id, id)",
    "CREATE INDEX ix_delivery_order_id_id ON delivery (order_id, id)",
    "CREATE INDEX ix_delivery_shipped_on_id ON delivery (shipped_on, id)",
    "CREATE INDEX ix_delivery_status_created_at_id ON delivery (status, created_at, id)",
    """
    CREATE TABLE delivery_line (
        id uuid NOT NULL,
        delivery_id uuid NOT NULL,
        position bigint NOT NULL,
        order_line_id uuid NOT NULL,
        product_id uuid NOT NULL,
        description text NOT NULL,
        unit text NOT NULL,
        quantity numeric NOT NULL,
        done numeric NOT NULL,
        CONSTRAINT pk_delivery_line PRIMARY KEY (id),
        CONSTRAINT ck_delivery_line_quantity CHECK (quantity > 0),
        CONSTRAINT ck_delivery_line_done CHECK (done >= 0 AND done <= quantity),
        CONSTRAINT fk_delivery_line_delivery_id FOREIGN KEY(delivery_id) REFERENCES delivery (id),
        CONSTRAINT fk_delivery_line_product_id FOREIGN KEY(product_id) REFERENCES product (id)
    )
    """,
    "CREATE INDEX ix_delivery_line_delivery_id_position ON delivery_line (delivery_id, position)",
    "CREATE INDEX ix_delivery_line_product_id ON delivery_line (product_id)",
    """
    CREATE TABLE reservation (
        delivery_line_id uuid NOT NULL,
        delivery_id uuid NOT NULL,
        order_id uuid NOT NULL,
        product_id uuid NOT NULL,
        location_id uuid NOT NULL,
        placed_at timestamptz NOT NULL,
        wanted numeric NOT NULL,
        reserved numeric NOT NULL,
        CONSTRAINT pk_reservation PRIMARY KEY (delivery_line_id),
        CONSTRAINT fk_reservation_product_id FOREIGN KEY (product_id, location_id)
            REFERENCES stock_level (product_id, location_id),
        CONSTRAINT ck_reservation_wanted CHECK (wanted > 0),
        CONSTRAINT ck_reservation_reserved CHECK (reserved >= 0 AND reserved <= wanted),
        CONSTRAINT fk_reservation_delivery_line_id FOREIGN KEY(delivery_line_id) REFERENCES delivery_line (id),
        CONSTRAINT fk_reservation_delivery_id FOREIGN KEY(delivery_id) REFERENCES delivery (id)
    )
    """,
    "CREATE INDEX ix_reservation_delivery_id ON reservation (delivery_id)",
    "CREATE INDEX ix_reservation_order_id ON reservation (order_id)",
    "CREATE INDEX ix_reservation_shortage"
    " ON reservation (product_id, location_id, placed_at, order_id, delivery_line_id) WHERE reserved < wanted",
    "CREATE SEQUENCE stock_adjustment_number",
    "CREATE SEQUENCE delivery_number",
    # External ids are unique per source. The table is an index over product.external_ids, kept by the trigger alone.
    """
    CREATE TABLE product_external_id (
        source text NOT NULL,
        external_id text NOT NULL,
        product_id uuid NOT NULL REFERENCES product (id) ON DELETE CASCADE,
        CONSTRAINT uq_product_external_id PRIMARY KEY (source, external_id)
    )
    """,
    "CREATE INDEX ix_product_external_id_product_id ON product_external_id (product_id)",
    """
    CREATE FUNCTION index_external_ids() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM product_external_id WHERE product_id = NEW.id;
        INSERT INTO product_external_id (source, external_id, product_id)
            SELECT key, value, NEW.id FROM jsonb_each_text(NEW.external_ids);
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER product_external_ids AFTER INSERT OR UPDATE OF external_ids ON product"
    " FOR EACH ROW EXECUTE FUNCTION index_external_ids()",
]
