"""Sampling: which frames without a detection become events, and what they tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import SamplingTable, read_config
from edge.model import SHIPPED, Detector, ModelCard, read_card
from edge.record import Finding
from edge.sampling import MOST_TOLD, Sampling, tell_sampled
from hub.errors import ConfigError
from hub.event import Box, Detection, NewEvent


class Clock:
    """Seconds that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


CANDIDATE = Detection(
    label="thumbs-up", confidence=0.312345, box=Box(left=0.1, top=0.2, width=0.3, height=0.4)
)


def count_minute(rules: SamplingTable, *candidates: Detection, draws: tuple[float, ...] = (0.5,)) -> int:
    """Show the same for a minute, ten frames a second, and return how many became events."""
    clock, drawn = Clock(), iter(draws * 600)
    sampling, told = Sampling(rules, clock, lambda: next(drawn)), 0
    for _ in range(600):
        told += sampling.admit(candidates) is not None
        clock.now += 0.1
    return told


def test_sampling_takes_nothing_by_default():
    assert count_minute(SamplingTable()) == count_minute(SamplingTable(candidates_from=0.3)) == 0


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"empty_share": 0.25}, 150),
        ({"empty_every_s": 9.95}, 6),
        ({"empty_share": 0.25, "empty_every_s": 9.95}, 6),
        ({"empty_share": 1.0}, 600),
    ],
)
def test_sampling_takes_a_share_of_empty_frames_and_not_too_often(rules, told):
    assert count_minute(SamplingTable(**rules), draws=(0.0, 0.3, 0.6, 0.9)) == told


@pytest.mark.parametrize(("every_s", "told"), [(0, 600), (9.95, 6)])
def test_sampling_takes_frames_with_candidates_only_every_so_often(every_s, told):
    rules = SamplingTable(candidates_from=0.3, candidates_every_s=every_s, empty_share=1.0)
    assert count_minute(rules, CANDIDATE) == told


def card(**members) -> ModelCard:
    found = read_card(SHIPPED / "thumbs-up")
    return found.model_copy(update=members)


def test_sampled_finding_tells_threshold_and_candidates():
    told = tell_sampled(Finding(None, (), (CANDIDATE,), "candidates"), card(threshold=0.6, thresholds={}))
    assert told == {
        "threshold": 0.6,
        "candidates": [{"label": "thumbs-up", "confidence": 0.3123, "box": [0.1, 0.2, 0.3, 0.4]}],
        "sampled": "candidates",
    }


def test_sampled_finding_tells_thresholds_of_its_labels_only():
    thresholds = {"thumbs-up": 0.4, "other": 0.9}
    told = tell_sampled(Finding(None, (CANDIDATE,)), card(threshold=0.6, thresholds=thresholds))
    assert told == {"threshold": 0.6, "thresholds": {"thumbs-up": 0.4}}


def test_sampled_finding_fits_into_an_event_however_much_there_is():
    found = tuple(
        Detection(label=f"{number:0200}", confidence=0.3, box=CANDIDATE.box) for number in range(1000)
    )
    thresholds = dict.fromkeys((one.label for one in found), 0.4)
    told = tell_sampled(Finding(None, found, found, "candidates"), card(thresholds=thresholds))
    event = NewEvent(source="edge", device="cam", captured_at="2026-11-22T00:00:00Z", attributes=told)
    assert len(event.attributes["candidates"]) == MOST_TOLD


def frame(name: str = "thumbs.webm", number: int = 40):
    import cv2

    import edge.demo

    video = cv2.VideoCapture(str(Path(edge.demo.__file__).with_name(name)))
    for _ in range(number):
        video.grab()
    return video.read()[1]


@pytest.mark.parametrize("model", ["thumbs-up", "hiragana"])
@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.95])
def test_detector_with_candidates_detects_what_it_does_without(model, threshold):
    one = card() if model == "thumbs-up" else read_card(SHIPPED / model)
    strict = one.model_copy(update={"threshold": threshold, "thresholds": {}})
    pixels = frame(f"{'thumbs' if model == 'thumbs-up' else model}.webm")
    plain = Detector(SHIPPED / model, card=strict)
    asked = Detector(SHIPPED / model, card=strict, candidates_from=0.02)
    assert asked.detect(pixels) == plain.detect(pixels)
    assert all(0.02 <= one.confidence < threshold for one in asked.candidates)
    assert plain.candidates == ()


def test_candidate_of_a_strict_label_takes_no_detection_out_of_the_best():
    pixels = frame("hiragana.webm")
    found = read_card(SHIPPED / "hiragana")
    loose = Detector(SHIPPED / "hiragana", card=found.model_copy(update={"threshold": 0.0, "top_k": 5}))
    best, second, *_ = loose.detect(pixels)
    strict = found.model_copy(
        update={"threshold": 1.0, "thresholds": {second.label: second.confidence / 2}, "top_k": 1}
    )
    asked = Detector(SHIPPED / "hiragana", card=strict, candidates_from=second.confidence / 2)
    assert [one.label for one in asked.detect(pixels)] == [second.label]
    assert asked.candidates[0].label == best.label


def test_candidates_that_no_threshold_is_above_are_refused():
    with pytest.raises(ConfigError, match=r"sampling.candidates_from: 0.99 is not below the threshold of "):
        Detector(SHIPPED / "thumbs-up", candidates_from=0.99)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"empty_share": 0}, "sampling.empty_share: "),
        ({"empty_share": 1.5}, "sampling.empty_share: "),
        ({"empty_every_s": 0}, "sampling.empty_every_s: "),
        ({"candidates_from": 1}, "sampling.candidates_from: "),
        ({"candidates_every_s": 5}, "candidates_every_s needs candidates_from"),
        ({"colour": 1}, "sampling.colour: unknown"),
    ],
)
def test_wrong_sampling_is_refused_with_a_clear_line(table, said):
    with pytest.raises(ConfigError, match=said):
        read_config(None, {"agent": {"device": "cam-1"}, "sampling": table})


def test_camera_may_be_sampled_otherwise_than_the_rest(tmp_path):
    path = tmp_path / "agent.toml"
    path.write_text("""
[agent]
device = "cam-1"
[sampling]
empty_every_s = 60
[[cameras]]
name = "a"
source = "0"
sampling = { empty_share = 0.5 }
[[cameras]]
name = "b"
source = "1"
""")
    one, other = read_config(path, {}).split()
    assert (one.sampling.empty_share, other.sampling.empty_every_s) == (0.5, 60.0)
