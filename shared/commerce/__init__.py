"""Rules of trade that several services share: pure functions of amounts and quantities."""
