"""One HTTP request and its answer: parsing, limits, headers, conditions, routes."""
