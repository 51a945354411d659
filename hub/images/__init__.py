"""Pictures that a classifier is asked about: where they come from, what is checked, what was said of them."""
