"""Makes the shipped models. Needs torch==2.13.0, which is no dependency of the project."""
