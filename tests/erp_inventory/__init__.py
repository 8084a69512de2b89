"""The inventory service: rules without a database, stories with one."""
