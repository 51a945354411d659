"""What models are asked about a set."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.evaluation.exam import EvaluationError, Truth, set_exam
from edge.model_card import ModelCard
from hub.dataset.box import Box
from hub.dataset.sample import Dataset, Object, Sample
from hub.errors import ConfigError
from hub.event import Box as Place


def card(*labels, kind="ssd", **rest):
    return ModelCard(name="m", version="1", kind=kind, labels=labels, width=64, height=64, **rest)


def sample(name, *objects, split="validation"):
    return Sample(name, Path(name), 100, 50, 3, objects, split)


def boxed(label):
    return Object(label, Box(10, 10, 20, 20))


def test_boxes_are_fractions_of_the_picture():
    exam = set_exam(Dataset(("up",), (sample("1", boxed("up")),)), [card("up")])
    assert exam.scenes[0].truths == (Truth("up", Place(left=0.1, top=0.2, width=0.2, height=0.4)),)


@pytest.mark.parametrize(
    ("splits", "asked", "taken"),
    [
        (("train", "validation", "test"), None, "validation"),
        (("train", "test"), None, "test"),
        (("train",), None, "all"),
        ((None,), None, "all"),
        (("train", "validation"), "train", "train"),
        (("train", "validation"), "all", "all"),
    ],
)
def test_split_is_the_one_asked_for_or_what_no_model_was_trained_on(splits, asked, taken):
    samples = tuple(sample(str(split), boxed("up"), split=split) for split in splits)
    exam = set_exam(Dataset(("up",), samples), [card("up")], asked)
    assert (exam.split, len(exam.scenes)) == (taken, len(splits) if taken == "all" else 1)


def test_split_without_pictures_is_refused_with_those_there_are():
    with pytest.raises(EvaluationError, match=r"no pictures of the split test \(there are: train 1\)"):
        set_exam(Dataset(("up",), (sample("1", split="train"),)), [card("up")], "test")


def test_classes_that_only_one_side_knows_are_told_and_not_counted():
    dataset = Dataset(("up", "dog"), (sample("1", boxed("up"), boxed("dog")), sample("2", boxed("dog"))))
    exam = set_exam(dataset, [card("up", "cat")])
    assert (exam.classes, exam.counted) == (("up",), {"up"})
    assert [len(scene.truths) for scene in exam.scenes] == [1, 0]
    assert exam.notes == (
        "no model knows dog: 2 objects are not counted (--classes MAP renames classes)",
        "the set does not name cat: such detections are not counted",
    )


def test_classes_without_one_in_common_are_refused():
    with pytest.raises(EvaluationError, match=r"\(dog\) and the model's \(up\) have none in common"):
        set_exam(Dataset(("dog",), (sample("1", boxed("dog")),)), [card("up")])


def test_class_that_only_the_new_model_knows_is_counted_and_told():
    dataset = Dataset(("up", "dog"), (sample("1", boxed("dog")),))
    exam = set_exam(dataset, [card("up"), card("up", "dog")])
    assert (exam.classes, exam.notes) == (
        ("up", "dog"),
        ("the old model does not know dog: it misses all of them",),
    )


def test_set_without_classes_is_one_of_nothing():
    exam = set_exam(Dataset((), (sample("1"),)), [card("up")])
    assert (exam.classes, exam.scenes[0].truths) == (("up",), ())
    assert exam.notes == (
        "the set names no class: every picture is one of nothing, and all that is found is false",
    )


def test_whole_pictures_have_one_class_or_none_or_are_left_out():
    samples = (
        sample("1", Object("a")),
        sample("2", boxed("a"), boxed("a")),
        sample("3", boxed("a"), boxed("b")),
        sample("4", Object("other")),
        sample("5"),
        sample("6", Object("z")),
    )
    exam = set_exam(
        Dataset(("a", "b", "other", "z"), samples),
        [card("a", "b", "other", kind="classification", ignore=["other"])],
    )
    assert [(scene.name, [one.label for one in scene.truths]) for scene in exam.scenes] == [
        ("1", ["a"]),
        ("2", ["a"]),
        ("4", []),
        ("5", []),
    ]
    assert exam.notes[0] == "pictures of several classes: 1 left out, for a model says one of each"
    assert exam.notes[1].startswith("pictures of classes that no model knows (z): 1 left out")


def test_empty_set_and_models_that_cannot_be_evaluated_are_refused():
    with pytest.raises(EvaluationError, match="no picture that can be used"):
        set_exam(Dataset(("up",), ()), [card("up")])
    one = Dataset(("up",), (sample("1", boxed("up")),))
    with pytest.raises(ConfigError, match="'segmentation' cannot be evaluated"):
        set_exam(one, [card("up", kind="segmentation")])
    with pytest.raises(ConfigError, match="cannot be compared"):
        set_exam(one, [card("up"), card("up", kind="classification")])
