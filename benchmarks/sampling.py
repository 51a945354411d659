"""Does it pay to choose what people label? AP50 by the number of labelled frames, chosen and at random."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

# The folder of a script comes first on the path, where edge.py and plugins.py would hide the packages.
sys.path.append(sys.path.pop(0))

import jax
from support.choosing import WAYS, choose
from support.lessons import GRAPH, measure, teach
from support.report import describe_machine
from support.sampling_plot import as_table, draw
from support.stream import film

from edge.training.finetune.learning import Plan

SHOWN_SEED, HELD_OUT_SEED = 11, 12


def read_arguments() -> argparse.Namespace:
    """Return the command line's numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1500, help="of the stream")
    parser.add_argument("--held-out", type=int, default=500, help="frames of other scenes")
    parser.add_argument("--counts", type=int, nargs="+", default=[20, 40, 80, 160], help="of labelled frames")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["random", "mixture"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=80, help="of training, 8 pictures each")
    parser.add_argument("--png", type=Path, help="write the curve")
    parser.add_argument("--json", type=Path, help="write every single result, as they come")
    return parser.parse_args()


def main() -> None:
    """Film, choose, teach, measure and print."""
    asked = read_arguments()
    say = partial(print, flush=True)
    cache = Path(tempfile.mkdtemp(prefix="lenshub-bench-"))
    jax.config.update("jax_compilation_cache_dir", str(cache))  # the network is compiled once for all lessons
    try:
        teach_all(asked, say)
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def teach_all(asked: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Teach with each way, count and seed in turn, and print the table."""
    say(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in describe_machine().items()))
    stream = list(film(SHOWN_SEED, asked.frames))
    held_out = list(film(HELD_OUT_SEED, asked.held_out))
    before = measure(GRAPH.network({}), held_out)
    say(f"shipped model: AP50 {before['all']:.3f} of all, {before['dark']:.3f} in the dark")
    found = []
    for seed in range(1, asked.seeds + 1):
        for count in asked.counts:
            for way in asked.ways:
                chosen = choose(way, stream, count, seed)
                plan = Plan(asked.steps, rate=2e-3, batch=8, frozen=1, seed=seed, looks=1)
                result = measure(teach(chosen, plan), held_out)
                dark = sum(look.is_dark for look in chosen)
                who = {"seed": seed, "count": count, "way": way}
                found.append({**who, "dark_chosen": dark, "chosen": len(chosen), **result})
                if asked.json:
                    asked.json.write_text(json.dumps({"before": before, "found": found}))
    say(as_table(before, found))
    if asked.png:
        draw(before, found, asked.png)


if __name__ == "__main__":
    main()
