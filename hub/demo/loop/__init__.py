"""The loop as one command: what a camera in the dark gets wrong is captured, reviewed, and learnt."""
