"""Drawing on frames and fitting frames to a model's input; shared by hub plugins and the edge agent."""
