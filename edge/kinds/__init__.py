"""The kinds of models: how the outputs of each are told apart and read."""
