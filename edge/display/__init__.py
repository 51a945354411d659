"""The local display: what the agent sees, as a page and as a FIFO of JPEGs."""
