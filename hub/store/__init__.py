"""The store: the event log, its frames, and everything that must survive a restart. One writer."""
