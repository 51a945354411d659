"""How good a model is on a training set, and whether another one is better."""
