"""The clip that the demo's agent watches, its ground truth, and the script that makes both."""
