"""Through the gateway of a whole running suite, as client apps see it."""
