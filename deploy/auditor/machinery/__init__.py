"""What holds in every service: events arrive once and in order, have a cause, and answers to clients are true."""
