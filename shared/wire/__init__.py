"""JSON in and out: marshmallow fields, what they load, dump, merge, and say of an error."""
