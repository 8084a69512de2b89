"""Prometheus metrics of a service process, served by `health.py`."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

consumed = Counter("bus_consumed", "Events handled, by consumer and result", ["consumer", "result"])
handler_seconds = Histogram("bus_handler_seconds", "Time in an event's transaction", ["consumer"], buckets=_SECONDS)
end_to_end_seconds = Histogram("bus_end_to_end_seconds", "From publication to effect", ["type"], buckets=_SECONDS)
relay_published = Counter("bus_relay_published", "Outbox rows sent, by result", ["service", "result"])
relay_confirm_seconds = Histogram("bus_relay_confirm_seconds", "Time for an event to be confirmed", buckets=_SECONDS)
relay_blocked = Gauge("bus_relay_blocked", "1 while the broker blocks publishing", ["service"])
outbox_pending = Gauge("bus_outbox_pending", "Outbox rows not sent yet", ["service"])
outbox_oldest = Gauge("bus_outbox_oldest_age_seconds", "Age of the oldest unsent outbox row", ["service"])
parked_open = Gauge("bus_parked_open", "Messages that wait for an operator", ["service"])
retry_open = Gauge("bus_retry_open", "Messages that wait for their next attempt", ["service"])
immediate_retries = Counter("bus_immediate_retries", "Transactions repeated after a collision or a lost connection")
rpc_seconds = Histogram("rpc_server_seconds", "Time to serve a call", ["operation", "outcome"], buckets=_SECONDS)
hub_lag = Gauge("bus_hub_lag_seconds", "How late the event loop wakes up")
