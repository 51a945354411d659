"""Suppression: what is held back from an instance so that nobody mutes it, and told later in one digest."""
