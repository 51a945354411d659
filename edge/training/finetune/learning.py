"""The training: batches of changed examples, one rise and fall of the rate, and the best that came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import jax
import numpy as np
import optax
from jax import Array

from edge.model_card import ModelCard
from edge.training.finetune.augment import Changes, change
from edge.training.finetune.examples import Example, Examples
from edge.training.finetune.graph import Graph, Weights
from edge.training.finetune.judging import Judgement
from edge.training.finetune.kinds import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

RISE = 0.1  # of the training, until the rate is at its highest
LONGEST_SLOPE = 10.0

Judge = Callable[[Weights], Judgement]
Tell = Callable[[int, int, float], None]
"""Is told the steps done, of how many, and the loss."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how boldly is trained.

    Attributes:
        minutes: After which the training comes to its end in good order; None for no limit. With a limit the
            outcome depends on how fast the machine is.
        frozen: So many layers, from the input on, stay as they are.
        looks: How often the model is judged on the way.
    """

    steps: int
    minutes: float | None = None
    rate: float = 1e-3
    batch: int = 16
    frozen: int = 0
    seed: int = 1
    looks: int = 6


@dataclass(frozen=True, slots=True)
class Learnt:
    """The best weights there were, what they are worth, and after how many steps of how many they came."""

    weights: Weights
    judgement: Judgement
    step: int
    steps: int


def learn(
    graph: Graph,
    task: Task,
    examples: Examples,
    card: ModelCard,
    plan: Plan,
    changes: Changes,
    judge: Judge,
    tell: Tell,
) -> Learnt:
    """Train, and return the best weights by what `judge` says of them; at first those as they are."""
    weights: Weights = graph.weights(plan.frozen)
    optimiser = optax.chain(optax.clip_by_global_norm(LONGEST_SLOPE), optax.scale_by_adam())
    moments, step_once = optimiser.init(weights), _make_step(graph, task, optimiser)
    batches = _draw_batches(examples, task, graph, card, plan, changes)
    best = Learnt(weights, judge(weights), 0, plan.steps)
    began, look, step = time.monotonic(), max(1, plan.steps // plan.looks), 0
    while (done := _share_done(plan, step, began)) < 1:
        rate = plan.rate * min(1.0, 0.1 + done / RISE, 0.5 + 0.5 * float(np.cos(np.pi * done)))
        weights, moments, loss = step_once(weights, moments, next(batches), rate)
        step += 1
        tell(step, plan.steps, float(loss))
        if step % look == 0 or _share_done(plan, step, began) >= 1:
            now = Learnt(weights, judge(weights), step, plan.steps)
            best = now if now.judgement.quality >= best.judgement.quality else best
    return best


def _share_done(plan: Plan, step: int, began: float) -> float:
    spent = (time.monotonic() - began) / (plan.minutes * 60) if plan.minutes else 0.0
    return max(step / plan.steps, spent)


def _make_step(graph: Graph, task: Task, optimiser: optax.GradientTransformation) -> Callable[..., Any]:
    def measure(weights: Weights, batch: dict[str, Any]) -> Array:
        return task.measure(graph.run(weights, batch["values"]), batch)

    @jax.jit
    def step(
        weights: Weights, moments: optax.OptState, batch: dict[str, Any], rate: float
    ) -> tuple[Weights, optax.OptState, Array]:
        loss, slopes = jax.value_and_grad(measure)(weights, batch)
        changes, moments = optimiser.update(slopes, moments)
        return optax.apply_updates(weights, jax.tree.map(lambda one: -rate * one, changes)), moments, loss

    return step


def _draw_batches(
    examples: Examples, task: Task, graph: Graph, card: ModelCard, plan: Plan, changes: Changes
) -> Iterator[dict[str, Any]]:
    """Yield batches without end: every example once before any comes again."""
    rng = np.random.default_rng(plan.seed)
    shapes = _find_shapes(graph, card, plan.batch)
    order: list[int] = []
    while True:
        while len(order) < plan.batch:
            order += rng.permutation(len(examples)).tolist()
        chosen, order = order[: plan.batch], order[plan.batch :]
        changed = [change(rng, examples.read(index), changes) for index in chosen]
        yield {"values": as_values(changed, card), **task.draw(changed, shapes)}


def _find_shapes(graph: Graph, card: ModelCard, batch: int) -> list[tuple[int, ...]]:
    shape = (batch, card.height, card.width, card.channels)
    found = jax.eval_shape(graph.run, {}, np.zeros(shape, np.float32))
    return [one.shape for one in found]


def as_values(examples: Sequence[Example], card: ModelCard) -> NDArray[np.float32]:
    """Return what a model takes of examples, (n, height, width, channels)."""
    pixels = np.stack([one.pixels for one in examples])
    if card.colours == "grey":
        pixels = np.stack([cv2.cvtColor(one, cv2.COLOR_BGR2GRAY)[:, :, None] for one in pixels])
    if card.colours == "rgb":
        pixels = pixels[..., ::-1]
    return np.asarray((pixels - np.array(card.mean)) / np.array(card.scale), np.float32)
