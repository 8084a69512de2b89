"""A small service that buys: it shows that a second process takes a declaration, and how little of it."""
