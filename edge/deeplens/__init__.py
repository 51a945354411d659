"""Compatibility with AWS DeepLens: runs an old inference function unmodified (docs/deeplens.md)."""
