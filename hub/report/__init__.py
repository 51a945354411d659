"""The published figures, from the store: what `lenshub report` counts, tells, draws and writes."""
