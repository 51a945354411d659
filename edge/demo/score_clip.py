"""Scores a model on its shipped clip: `python -m edge.demo.score_clip hiragana --model FOLDER`."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path
from typing import Any

from edge.demo.score import LabelScore, Score, score_frames, score_labels
from edge.model import SHIPPED, Detector
from edge.playback import play
from hub.event import Box, Detection

Entry = dict[str, Any]
Found = tuple[Detection, ...]
HERE = Path(__file__).parent
VOWELS = "あいうえお"


def look(detector: Detector, clip: Path) -> list[tuple[Found, Entry]]:
    """Return what a model finds on each frame of a clip, with the frame's entry in the truth.

    Raises:
        CameraError: The clip is missing or no video.
    """
    truth = json.loads(clip.with_suffix(".json").read_text(encoding="utf-8"))["frames"]
    shots = play(clip, 1, 1, threading.Event(), pace=False)
    return [(detector.detect(shot.pixels), entry) for shot, entry in zip(shots, truth, strict=True)]


def score_thumbs(looked: list[tuple[Found, Entry]]) -> Score:
    """Score the frames of the thumbs-up clip by their boxes."""
    return score_frames((found, [Box(**box) for box in entry["thumbs_up"]]) for found, entry in looked)


def score_cards(looked: list[tuple[Found, Entry]]) -> LabelScore:
    """Score the frames of the hiragana clip; those on which a card is still coming do not count."""
    counting = [(found, entry["shows"]) for found, entry in looked if entry["whole"] or not entry["shows"]]
    return score_labels((found, shown if shown and shown in VOWELS else None) for found, shown in counting)


def describe(model: str, detector: Detector) -> str:
    """Return a line with the scores of a model on the clip of the shipped model of that name."""
    if model == "hiragana":
        cards = score_cards(look(detector, HERE / "hiragana.webm"))
        return f"accuracy {cards.accuracy:.3f} of {cards.frames} frames, precision {cards.precision:.3f}"
    thumbs = score_thumbs(look(detector, HERE / "thumbs.webm"))
    figures = (
        f"precision {thumbs.precision:.3f}, recall {thumbs.recall:.3f}, mean IoU {thumbs.mean_overlap:.3f}"
    )
    return f"{figures} of {thumbs.true} boxes"


def main() -> None:
    """Read the command line and print the scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", choices=("thumbs-up", "hiragana"))
    parser.add_argument("--model", type=Path, help="a model folder; by default the shipped one")
    options = parser.parse_args()
    detector = Detector(options.model or SHIPPED / options.clip)
    sys.stdout.write(f"{options.clip}: {describe(options.clip, detector)}\n")


if __name__ == "__main__":
    main()
