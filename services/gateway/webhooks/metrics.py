"""What deliveries look like from outside."""

from prometheus_client import Counter, Gauge

deliveries = Counter("webhook_deliveries", "Attempts to send an event, by outcome", ["outcome"])
disabled = Counter("webhook_disabled", "Webhooks that were given up, by reason", ["reason"])
sending = Gauge("webhook_sending", "Webhooks and single deliveries that this process is at")
oldest_lag = Gauge(
    "webhook_oldest_lag_seconds", "For how long the oldest event not delivered to an active webhook waits"
)
