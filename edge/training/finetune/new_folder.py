"""Writes the folder of a model that was trained further: network, card and a page that says what it is."""

from __future__ import annotations

import json
import shutil
import tempfile
import tomllib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from edge.model_card import ModelCard
from edge.runtime import load_openvino
from edge.training.finetune.examples import TrainingSet
from edge.training.finetune.graph import Weights
from edge.training.finetune.judging import Judgement
from edge.training.finetune.learning import Learnt, Plan
from hub.errors import ConfigError

_PAGE = """\
# {name} {version}

{old_title}, trained further on {root} with `python -m edge.training.finetune`: {train} pictures to learn
from, {validation} to choose by, {reviewed} of all {all} as people said they are. Classes: {classes}.

| on the validation pictures | {old_title} | {name} {version} |
|---|---|---|
| {what} | {old:.3f} | {new:.3f} |
| threshold | {old_threshold} | {threshold} |
| precision there | {old_precision:.3f} | {precision:.3f} |
| recall there | {old_recall:.3f} | {recall:.3f} |

These pictures chose the threshold and when to stop ({step} of {steps} steps), so they flatter the new model:
judge it by pictures that had no part in this.

Seed {seed}, {batch} pictures a step, rate {rate:g}, {frozen} layers left as they were.
"""


@dataclass(frozen=True, slots=True)
class NewModel:
    """What is known of a training that is over. `card` is the new model's."""

    network: Any
    card: ModelCard
    old_card: ModelCard
    old: Judgement
    learnt: Learnt
    plan: Plan
    training_set: TrainingSet


def version_of(old: str, weights: Weights) -> str:
    """Return a version for new weights: the same for the same ones."""
    digest = sha256(b"".join(bytes(memoryview(weights[name]).cast("B")) for name in sorted(weights)))
    return f"{old.partition('-')[0]}-{digest.hexdigest()[:8]}"


def write_model(model: NewModel, source: Path, folder: Path) -> None:
    """Write a model folder; what fails leaves nothing.

    Args:
        source: The old model's folder, whose model.toml is taken over with what is new in it.

    Raises:
        ConfigError: The folder is there already, or cannot be written.
    """
    if folder.exists():
        raise ConfigError(f"{folder}: is there already; name a new folder with --out")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as made:
            beside = Path(made) / "model"
            beside.mkdir()
            load_openvino().save_model(model.network, beside / "model.xml", compress_to_fp16=True)
            (beside / "model.toml").write_text(_make_card(model.card, source), encoding="utf-8")
            (beside / "README.md").write_text(_make_page(model), encoding="utf-8")
            shutil.move(beside, folder)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror}") from error


def _make_card(card: ModelCard, source: Path) -> str:
    """Return model.toml: what the old one says, with the new name, version, labels and threshold."""
    settings = tomllib.loads((source / "model.toml").read_text(encoding="utf-8"))
    settings.pop("labels_file", None)
    settings.pop("thresholds", None)
    new = {
        "name": card.name,
        "version": card.version,
        "labels": list(card.labels),
        "threshold": card.threshold,
    }
    return "".join(f"{key} = {_as_toml(value)}\n" for key, value in (settings | new).items())


def _as_toml(value: Any) -> str:
    """Return a value as TOML writes it: JSON does the same for texts, numbers and lists."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_as_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _make_page(model: NewModel) -> str:
    card, old_card, learnt, plan, data = (
        model.card,
        model.old_card,
        model.learnt,
        model.plan,
        model.training_set,
    )
    precision, recall = learnt.judgement.at(card.threshold)
    old_precision, old_recall = model.old.at(old_card.threshold)
    return _PAGE.format(
        name=card.name,
        version=card.version,
        old_title=f"{old_card.name} {old_card.version}",
        root=data.root.name,
        train=len(data.train),
        validation=len(data.validation),
        reviewed=data.reviewed,
        all=len(data.train) + len(data.validation),
        classes=", ".join(data.classes),
        what="named rightly" if card.kind == "classification" else "AP50",
        old=model.old.quality,
        new=learnt.judgement.quality,
        old_threshold=old_card.threshold,
        threshold=card.threshold,
        old_precision=old_precision,
        precision=precision,
        old_recall=old_recall,
        recall=recall,
        step=learnt.step,
        steps=learnt.steps,
        seed=plan.seed,
        batch=plan.batch,
        rate=plan.rate,
        frozen=plan.frozen,
    )
