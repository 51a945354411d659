"""Scores a model on clips of fresh seeds: `python -m edge.training.evaluate --seeds 101 102`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge.config import DEFAULT_MODEL
from edge.demo.make_clip import draw_clip
from edge.demo.score import Score, score_frames
from edge.model import Detector


def evaluate(detector: Detector, seed: int) -> Score:
    """Score a model on the 120 frames of a seed's clip, before any video coding."""
    return score_frames((detector.detect(frame.pixels), frame.thumbs_up) for frame in draw_clip(seed))


def main() -> None:
    """Read the command line and print a line for each seed, and one for all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(101, 113)))
    options = parser.parse_args()
    detector = Detector(options.model)
    scores = {str(seed): evaluate(detector, seed) for seed in options.seeds}
    parts = [[getattr(score, name) for score in scores.values()] for name in Score.__slots__]
    scores["all"] = Score(*(sum(part) for part in parts))
    for name, score in scores.items():
        figures = f"{score.precision:.3f} {score.recall:.3f} {score.mean_overlap:.3f}"
        sys.stdout.write(f"{name:>5}  precision, recall, mean IoU {figures}\n")


if __name__ == "__main__":
    main()
