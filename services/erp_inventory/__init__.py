"""What is on the shelves: products, locations, stock moves at cost, reservations and deliveries. Knows no prices."""
