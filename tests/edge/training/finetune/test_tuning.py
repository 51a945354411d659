"""Fine-tuning from a training set to a model folder that the agent can run."""

from __future__ import annotations

import shutil
import sys
import tomllib
from dataclasses import replace

import cv2
import pytest

from edge.model import SHIPPED, Detector, read_card
from edge.training.finetune import __main__ as command
from edge.training.finetune.learning import Plan
from edge.training.finetune.tuning import find_model, tune
from hub.errors import ConfigError

SHORT = Plan(steps=40, batch=8, rate=2e-3, frozen=3)


@pytest.mark.slow
@pytest.mark.timeout(600)  # more than two minutes of compiling and learning where others are at work too
def test_tuning_makes_a_detector_better_that_the_agent_runs(hands, tmp_path):
    root, folder = hands(), tmp_path / "tuned"
    tuned = tune(SHIPPED / "thumbs-up", root, folder, replace(SHORT, steps=24))
    assert tuned.is_better
    assert tuned.learnt.judgement.quality >= tuned.old.quality + 0.1
    card = read_card(folder)
    assert card == tuned.card
    assert card.version.startswith("2-")
    picture = cv2.imread(str(next((root / "images" / "validation").iterdir())))
    Detector(folder).detect(picture)
    assert f"| AP50 | {tuned.old.quality:.3f} |" in (folder / "README.md").read_text()


def test_tuning_makes_a_classifier_better(cards, tmp_path):
    tuned = tune(SHIPPED / "hiragana", cards(), tmp_path / "tuned", SHORT)
    assert tuned.learnt.judgement.quality > tuned.old.quality
    assert read_card(tmp_path / "tuned").labels == read_card(SHIPPED / "hiragana").labels


def test_tuning_teaches_a_classifier_new_classes(cards, tmp_path):
    tuned = tune(SHIPPED / "hiragana", cards({"あ": "upside down"}), tmp_path / "tuned", SHORT)
    assert tuned.card.labels[-1] == "upside down"
    assert tuned.learnt.judgement.quality > 0.6
    frame = cv2.imread(str(next((tmp_path / "cards" / "train" / "upside down").iterdir())))
    assert Detector(tmp_path / "tuned", card=read_card(tmp_path / "tuned")).detect(frame)


def test_tuning_with_the_same_seed_gives_the_same_version(cards, tmp_path):
    root = cards()
    plan = replace(SHORT, steps=6)
    one, other = (tune(SHIPPED / "hiragana", root, tmp_path / name, plan) for name in ("one", "other"))
    assert one.card.version == other.card.version


def test_tuning_leaves_nothing_when_the_model_is_no_better(cards, tmp_path):
    tuned = tune(SHIPPED / "hiragana", cards(), tmp_path / "tuned", replace(SHORT, steps=1, rate=1e-9))
    assert not tuned.is_better
    assert not (tmp_path / "tuned").exists()


def test_tuning_can_go_on_from_what_it_wrote(cards, tmp_path):
    root = cards()
    tune(SHIPPED / "hiragana", root, tmp_path / "one", replace(SHORT, steps=10))
    again = tune(tmp_path / "one", root, tmp_path / "two", replace(SHORT, seed=2))
    assert again.card.version.count("-") == 1


def test_detector_does_not_learn_new_classes(hands, tmp_path):
    with pytest.raises(ConfigError, match="knows thumbs-up only, and the training set has wave"):
        tune(SHIPPED / "thumbs-up", hands(label="wave"), tmp_path / "tuned", SHORT)


def test_class_map_gives_classes_the_names_that_a_detector_knows(hands, tmp_path):
    plan = replace(SHORT, steps=1, rate=1e-9)
    tuned = tune(
        SHIPPED / "thumbs-up", hands(label="thumb"), tmp_path / "t", plan, known={"thumb": "thumbs-up"}
    )
    assert tuned.old.true > 0


def test_tuning_needs_both_splits(hands, tmp_path):
    root = hands()
    (root / "annotations" / "instances_validation.json").unlink()
    shutil.rmtree(root / "images" / "validation")
    with pytest.raises(ConfigError, match="has no validation pictures"):
        tune(SHIPPED / "thumbs-up", root, tmp_path / "tuned", SHORT)


def test_tuning_refuses_a_folder_that_is_there(hands, tmp_path):
    with pytest.raises(ConfigError, match="is there already"):
        tune(SHIPPED / "thumbs-up", hands(), tmp_path, SHORT)


def test_tuning_needs_layers_to_train(hands, tmp_path):
    with pytest.raises(ConfigError, match="--freeze 20: the model has 20 layers"):
        tune(SHIPPED / "thumbs-up", hands(), tmp_path / "tuned", replace(SHORT, frozen=20))


def test_model_is_a_shipped_one_by_name_or_any_by_path(tmp_path):
    assert find_model("hiragana") == SHIPPED / "hiragana"
    assert find_model(str(tmp_path)) == tmp_path


def test_command_writes_the_card_with_the_version_given(cards, tmp_path, monkeypatch, capsys):
    options = ["--model", "hiragana", "--dataset", str(cards()), "--out", str(tmp_path / "tuned")]
    monkeypatch.setattr(sys, "argv", ["finetune", *options, "--steps", "30", "--version", "3"])
    command.main()
    assert tomllib.loads((tmp_path / "tuned" / "model.toml").read_text())["version"] == "3"
    assert "named rightly on the validation pictures" in capsys.readouterr().out


def test_command_says_in_one_line_what_is_wrong(tmp_path, monkeypatch):
    options = ["--model", "hiragana", "--dataset", str(tmp_path / "none"), "--out", str(tmp_path / "tuned")]
    monkeypatch.setattr(sys, "argv", ["finetune", *options])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == f"{tmp_path / 'none'}: is no folder"
