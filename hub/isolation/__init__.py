"""Runs a plugin instance in a process of its own, which may block, crash or die with nobody else noticing."""
