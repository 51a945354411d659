"""The demo: broker, hub and agent as real processes on a shipped clip, told as it happens."""
