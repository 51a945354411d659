"""Repairs old functions as they are loaded, in memory: the file is never changed."""
