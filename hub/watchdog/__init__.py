"""Names the plugin that blocks the event loop or ends the hub, and holds it back at the next start."""
