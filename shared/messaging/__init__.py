"""The bus: inbox, relay, consumers, topology, RPC, timers."""
