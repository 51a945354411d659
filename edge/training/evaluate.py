"""Measures the models: `python -m edge.training.evaluate hiragana`, or `thumbs`, `clips`, `text`.

Needs no torch, but Debian's fonts. Seeds are fixed: the same model and fonts give the same figures.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

from edge.demo.make_clip import draw_clip
from edge.demo.score import Score, score_frames
from edge.model import SHIPPED, Detector, read_card
from edge.training.fonts import HELD_OUT, HELD_OUT_WRITTEN
from edge.training.gate_score import rows, score_gate, shares
from edge.training.hands import RAISED
from edge.training.hiragana_score import confusion_rows, open_classifier, score_hiragana
from edge.training.thumbs_score import mistaken_rows, score_thumbs

ANGLES_DEGREES = (0, 15, 30, 45)
SEED = 4711
CLIP_SEEDS = range(201, 209)
TEXT_GATE = Path(__file__).parents[2] / "hub" / "gate" / "models" / "text"


def evaluate_hiragana(folder: Path, amount: int) -> Iterable[str]:
    """Yield a table of accuracy for each angle, by font at 0 and 30 degrees, and what was confused."""
    detector = open_classifier(folder)
    scores = {
        angle: score_hiragana(folder, detector, angle, rounds=amount or 40, seed=SEED)
        for angle in ANGLES_DEGREES
    }
    yield (
        "| degrees | accuracy | printed | written | う/え confused | named | misnamed "
        "| other hiragana | strangers | no character |"
    )
    yield "|---" * 10 + "|"
    for angle, score in scores.items():
        alarms = [score.alarms(group) for group in ("other hiragana", "strangers", "no character")]
        groups = [score.accuracy(group) for group in ("all", "printed", "written")]
        yield _row(angle, *groups, score.confusion(), score.named(), score.misnamed(), *alarms)
    yield ""
    yield "| family | " + " | ".join(f"{angle} degrees" for angle in scores) + " |"
    yield "|---" * (len(scores) + 1) + "|"
    for family in HELD_OUT:
        name = f"{family}{' (written)' * (family in HELD_OUT_WRITTEN)}"
        yield _row(name, *(score.accuracy(family) for score in scores.values()))
    for angle in (0, 30):
        yield from ("", f"{angle} degrees", *confusion_rows(scores[angle]))


def evaluate_thumbs(folder: Path, amount: int) -> Iterable[str]:
    """Yield a table of average precision for each angle, and which hands were taken for a thumb up."""
    threshold = read_card(folder).threshold
    scores = [score_thumbs(folder, angle, frames=amount or 800, seed=SEED) for angle in ANGLES_DEGREES]
    yield "| degrees | AP50 | precision at recall 0.9 | precision | recall | raised taken | others taken |"
    yield "|---" * 7 + "|"
    for angle, score in zip(ANGLES_DEGREES, scores, strict=True):
        rest = [name for name in score.shown if name not in (*RAISED, "thumbs-up")]
        mistakes = score.mistakes(RAISED), score.mistakes(rest)
        yield _row(angle, score.average_precision, score.precision_at(0.9), *score.at(threshold), *mistakes)
    yield from ("", *mistaken_rows(scores))


def evaluate_clips(folder: Path, amount: int) -> Iterable[str]:
    """Yield the scores on clips like the demo's, of seeds that no training saw."""
    detector = Detector(folder)
    yield "| seed | precision | recall | mean IoU |"
    yield "|---" * 4 + "|"
    scores = {
        str(seed): score_frames((detector.detect(frame.pixels), frame.thumbs_up) for frame in draw_clip(seed))
        for seed in CLIP_SEEDS[: amount or None]
    }
    parts = [[getattr(score, name) for score in scores.values()] for name in Score.__slots__]
    for name, score in {**scores, "all": Score(*(sum(part) for part in parts))}.items():
        yield _row(name, score.precision, score.recall, score.mean_overlap)


def evaluate_text(folder: Path, amount: int) -> Iterable[str]:
    """Yield recall and false positives of the text gate at some thresholds, then by script and background."""
    own = float(tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))["threshold"])
    scored = score_gate(folder / "model.xml", amount or 2000)
    yield "| threshold | recall | false positives |"
    yield "|---" * 3 + "|"
    for threshold in sorted({own, *(step / 10 for step in range(1, 10))}):
        yield _row(f"{threshold:g}{' (its own)' * (threshold == own)}", *shares(scored, threshold))
    yield ""
    yield from rows(scored, own)


def _row(name: object, *figures: float) -> str:
    return f"| {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |"


EVALUATIONS: dict[str, tuple[Callable[[Path, int], Iterable[str]], Path]] = {
    "hiragana": (evaluate_hiragana, SHIPPED / "hiragana"),
    "thumbs": (evaluate_thumbs, SHIPPED / "thumbs-up"),
    "clips": (evaluate_clips, SHIPPED / "thumbs-up"),
    "text": (evaluate_text, TEXT_GATE),
}


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=EVALUATIONS)
    parser.add_argument("--model", type=Path, help="a model folder, in place of the shipped one")
    parser.add_argument(
        "--amount", type=int, default=0, help="rounds, frames or clips, in place of the usual"
    )
    options = parser.parse_args()
    evaluate, shipped = EVALUATIONS[options.what]
    for line in evaluate(options.model or shipped, options.amount):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
