"""The built-in plugins, found through the same entry points as everybody's, and what they share."""
