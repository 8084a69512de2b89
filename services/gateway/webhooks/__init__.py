"""What other systems are told: signed events over HTTPS, in order, until they have arrived."""
