"""The command line: `python -m edge.training.finetune --model thumbs-up --dataset SET --out FOLDER`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from edge.evaluation.looking import find_model
from edge.training.finetune.learning import Plan
from edge.training.finetune.tuning import Tuned, tune
from hub.dataset.class_map import read_class_map
from hub.draw.picture import PictureError
from hub.errors import HubError
from hub.words import count_of

NOT_BETTER = 3
TOLD_S = 2.0  # between two lines of progress, where the output is no terminal


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m edge.training.finetune",
        description="Trains a shipped model further on a training set, as `lenshub dataset export` makes it. "
        f"Exits with {NOT_BETTER}, and writes nothing, if it is no better on the validation pictures.",
    )
    parser.add_argument(
        "--model", required=True, help="thumbs-up, hiragana, or a folder that this wrote before"
    )
    parser.add_argument("--dataset", required=True, type=Path, help="in any format of `lenshub dataset`")
    parser.add_argument("--out", required=True, type=Path, help="the model folder to write; must be new")
    parser.add_argument("--steps", type=int, default=300, help="pictures are taken in steps of 16 (300)")
    parser.add_argument("--minutes", type=float, help="end then at the latest, in good order")
    parser.add_argument("--rate", type=float, default=1e-3, help="the highest learning rate (0.001)")
    parser.add_argument(
        "--freeze", type=int, default=1, metavar="N", help="leave the first N layers alone (1)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--mirror",
        action=argparse.BooleanOptionalAction,
        help="learn from mirror images too (by default of boxes only: a mirrored character is another one)",
    )
    parser.add_argument("--version", help="of the new model (the old one's, and a digest of the new weights)")
    parser.add_argument("--classes", type=Path, metavar="MAP", help="a class map, as of `lenshub dataset`")
    return parser.parse_args()


class Progress:
    """A line on stderr that says how far the training is: rewritten in a terminal, else now and then."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def tell(self, step: int, steps: int, loss: float) -> None:
        """Tell of a step."""
        terminal = sys.stderr.isatty()
        if terminal or step == steps or time.monotonic() - self._told > TOLD_S:
            self._told = time.monotonic()
            sys.stderr.write(
                f"\r\x1b[K{_line(step, steps, loss)}" if terminal else f"{_line(step, steps, loss)}\n"
            )
            sys.stderr.flush()


def _line(step: int, steps: int, loss: float) -> str:
    return f"step {step} of {steps}: loss {loss:.3f}"


def run(options: argparse.Namespace) -> Tuned:
    """Train as the options say."""
    plan = Plan(options.steps, options.minutes, options.rate, frozen=options.freeze, seed=options.seed)
    return tune(
        find_model(options.model),
        options.dataset,
        options.out,
        plan,
        mirror=options.mirror,
        version=options.version,
        known=read_class_map(options.classes) if options.classes else None,
        tell=Progress().tell,
    )


def main() -> None:
    """Train, and say what came of it."""
    options = read_options()
    try:
        tuned = run(options)
    except (HubError, PictureError, OSError) as error:
        sys.exit(f"{error}")
    sys.stderr.write("\n" * sys.stderr.isatty())
    old, new = tuned.old.quality, tuned.learnt.judgement.quality
    what = "named rightly" if tuned.card.kind == "classification" else "AP50"
    steps = count_of(tuned.learnt.step, "step")
    line = f"{what} on the validation pictures: {old:.3f} before, {new:.3f} after {steps}"
    if new == old:
        f1 = [f"{judged.f1(tuned.old_threshold):.3f}" for judged in (tuned.old, tuned.learnt.judgement)]
        line += f", F1 at {tuned.old_threshold:g}: {f1[0]} before, {f1[1]} after"
    if not tuned.is_better:
        sys.stderr.write(f"{line}: no better, nothing is written\n")
        sys.exit(NOT_BETTER)
    sys.stdout.write(f"{line}\n{tuned.card.name} {tuned.card.version} is in {options.out}\n")


if __name__ == "__main__":
    main()
