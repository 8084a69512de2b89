"""Faults and attacks on a running suite: broken on purpose, healed, brought to rest, counted and audited."""

import warnings

# Nameko and eventlet are in maintenance, which README.md says once; every fault run need not repeat it.
warnings.filterwarnings("ignore", message="\\s*Eventlet is deprecated")
