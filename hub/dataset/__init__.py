"""Training sets: one neutral model, a module for each format, and what is done with them."""
