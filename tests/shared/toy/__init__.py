"""A small service that exists only for the tests of the machinery: it makes, renames, numbers and breaks things."""
