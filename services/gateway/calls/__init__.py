"""Calls of services over the broker, and what they carry: lists, files, jobs."""
