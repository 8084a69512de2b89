"""What every commercial document computes: nets, discounts, tax per rate, parts of a whole, terms of payment."""
