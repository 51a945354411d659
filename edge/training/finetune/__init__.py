"""Trains a shipped model further on a training set of yours: `python -m edge.training.finetune --help`.

Needs the extra `train` (jax, optax). docs/training.md says how to use it, docs/design.md why jax.
"""
