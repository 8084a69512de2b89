"""Faults and attacks on a running suite: broken on purpose, healed, brought to rest, counted and audited."""
