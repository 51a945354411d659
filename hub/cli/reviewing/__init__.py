"""`lenshub review` in the terminal: the picture, the table beside it, and the keys."""
