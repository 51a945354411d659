"""Review: people say what is right of what was detected; see docs/review.md."""
