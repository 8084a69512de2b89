"""Jobs: work that takes longer than a request. Each service keeps and runs its own, in its own database.

`contract.py` says what clients see, `handling.py` answers for it, `runner.py` carries jobs out, one after the other
across all replicas, and goes on after a crash with the first batch that was not committed.
"""
