"""Orders end as they should."""
