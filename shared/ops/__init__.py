"""Running services: serving, health, logs, operator commands."""
