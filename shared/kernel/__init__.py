"""What everything stands on: time, ids, money, refusals, context, settings."""
