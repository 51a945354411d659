"""Fine-tuning from a model folder and a training set to a new model folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.model_card import SHIPPED, ModelCard, read_card
from edge.network import find_network
from edge.training.finetune.augment import Changes
from edge.training.finetune.examples import Examples, Labelled, read_training_set
from edge.training.finetune.graph import Graph, Weights
from edge.training.finetune.head import fit_classes
from edge.training.finetune.judging import Judgement, judge
from edge.training.finetune.kinds import TASKS
from edge.training.finetune.learning import Learnt, Plan, Tell, learn
from edge.training.finetune.new_folder import NewModel, version_of, write_model
from edge.training.finetune.reading import read_graph
from hub.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Tuned:
    """What came of it: the new model's card, and what both are worth on the validation pictures.

    Attributes:
        old_threshold: Of the old model's card.
    """

    card: ModelCard
    old: Judgement
    learnt: Learnt
    old_threshold: float

    @property
    def is_better(self) -> bool:
        """Whether the new model is worth more than the old one; only then it is written.

        AP50 asks for the right order only, which few pictures may have by chance however unsure the model is;
        if it is the same, F1 at the old threshold decides.
        """
        new, at = self.learnt.judgement, self.old_threshold
        return (new.quality, new.f1(at)) > (self.old.quality, self.old.f1(at))


def silent(step: int, steps: int, loss: float) -> None:
    """Tell nobody."""


def find_model(model: str) -> Path:
    """Return the folder of a shipped model by its name, or of any other by its path."""
    return SHIPPED / model if (SHIPPED / model / "model.toml").is_file() else Path(model)


def tune(
    source: Path,
    root: Path,
    folder: Path,
    plan: Plan,
    *,
    mirror: bool | None = None,
    version: str | None = None,
    known: Mapping[str, str] | None = None,
    tell: Tell = silent,
) -> Tuned:
    """Train a model further, and write the new one if it is better.

    Args:
        source: The model's folder.
        root: The training set's.
        folder: The new model's; must not be there.
        mirror: Whether a picture's mirror image shows the same; None for what suits the kind.
        version: Of the new model; None for the old one's with a digest of the new weights.
        known: A class map.

    Raises:
        ConfigError: Something is missing, does not fit, or cannot be written.
        PictureError, OSError: A picture cannot be read.
    """
    if folder.exists():
        raise ConfigError(f"{folder}: is there already; name a new folder with --out")
    card = read_card(source)
    data = read_training_set(root, known)
    graph, new_card = fit_classes(_read(source, card), card, data.classes, plan.seed)
    pictures = _usable(data.train, new_card), _usable(data.validation, new_card)
    if not all(pictures):
        raise ConfigError(f"{root}: shows none of {', '.join(new_card.labels)} in training or validation")
    task = TASKS[card.kind]
    changes = Changes(mirror=task.mirrors if mirror is None else mirror)
    if not 0 <= plan.frozen < len(graph.layers):
        raise ConfigError(f"--freeze {plan.frozen}: the model has {len(graph.layers)} layers")

    def judge_weights(weights: Weights) -> Judgement:
        return judge(graph.network(weights), new_card, pictures[1])

    old = judge(graph.network({}), new_card, pictures[1])
    examples = Examples(pictures[0], new_card, new_card.labels)
    learnt = learn(graph, task, examples, new_card, plan, changes, judge_weights, tell)
    named = new_card.model_copy(
        update={
            "threshold": learnt.judgement.choose_threshold(card.threshold),
            "thresholds": {},
            "version": version or version_of(card.version, learnt.weights),
        }
    )
    tuned = Tuned(named, old, learnt, card.threshold)
    if tuned.is_better:
        network = graph.network(learnt.weights)
        write_model(NewModel(network, named, card, old, learnt, plan, data), source, folder)
    return tuned


def _read(source: Path, card: ModelCard) -> Graph:
    path = find_network(source)
    task = TASKS.get(card.kind)
    if task is None or path.suffix != ".xml" or card.layout != "nchw" or card.classes:
        raise ConfigError(f"{source}: only models of the shipped ones' make can be trained further")
    return read_graph(path, task.find_outputs)


def _usable(pictures: tuple[Labelled, ...], card: ModelCard) -> tuple[Labelled, ...]:
    """Leave out pictures of no class, or several, where a classifier has no label for nothing."""
    if card.kind != "classification" or card.ignore:
        return pictures
    return tuple(one for one in pictures if one.label in card.labels)
