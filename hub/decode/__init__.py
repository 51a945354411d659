"""From bytes to events. Pure functions: a message in; events, states or the reason against it out."""
