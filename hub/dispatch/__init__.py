"""Dispatch: reads the log, delivers each event to each plugin that wants it, and settles what came of it."""
