"""Liaison on one machine: private PostgreSQL and RabbitMQ, supervised processes, one folder of data.

Everything here uses the standard library only, except `provision` and `keys`, which run once the virtual
environment exists: the first command on a fresh machine must work before anything was installed.
"""
