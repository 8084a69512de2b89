"""What is stored: models and what they are made of."""
