"""The clips that the demo's agent watches, their ground truth, and the scripts that make them."""
