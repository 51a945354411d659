"""Makes room for classes that a classifier does not know yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge.model_card import ModelCard
from edge.training.finetune.graph import Graph
from hub.errors import ConfigError

SPREAD = 0.01


def fit_classes(graph: Graph, card: ModelCard, wanted: Sequence[str], seed: int) -> tuple[Graph, ModelCard]:
    """Return graph and card with every class wanted.

    The last layer of a classifier gets a row for each new class, small and random. What it knows it keeps,
    also labels that nobody wants.

    Raises:
        ConfigError: A detector lacks a class: its one channel of heat has room for its own only.
    """
    new = [label for label in wanted if label not in card.labels]
    if not new:
        return graph, card
    known = ", ".join(card.labels)
    if card.kind != "classification":
        raise ConfigError(
            f"{graph.path.parent}: knows {known} only, and the training set has {', '.join(new)}: a detector "
            f'cannot learn new classes here (name them as its own, or "" to leave them out, by --classes)'
        )
    last = graph.layers[-1]
    kernel, bias = graph.constants[last.kernel], graph.constants[last.bias or ""]
    rows = np.random.default_rng(seed).normal(0, SPREAD, (len(new), kernel.shape[1]))
    grown = {
        last.kernel: np.concatenate([kernel, rows.astype(kernel.dtype)]),
        last.bias: np.concatenate([bias, np.full((1, len(new)), bias.mean(), bias.dtype)], 1),
    }
    constants = {**graph.constants, **{name: value for name, value in grown.items() if name}}
    return replace(graph, constants=constants), card.model_copy(update={"labels": (*card.labels, *new)})
