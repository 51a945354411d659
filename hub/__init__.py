"""LensHub's hub: takes detection events in, stores them, and dispatches them to plugins."""
