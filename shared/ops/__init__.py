"""Running services: runner, health, logs, operator commands."""
