"""What was once published stays readable: a golden sample of every version of every event."""
