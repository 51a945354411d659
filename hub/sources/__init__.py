"""Sources: where messages come from. Each acknowledges a message once the writer says it is committed."""
