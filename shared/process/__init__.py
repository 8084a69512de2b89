"""Processes: what a document goes through across services, with steps, deadlines, compensation and a trace."""
