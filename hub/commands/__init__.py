"""Commands: what people change in a running hub, asked through the store and executed once."""
