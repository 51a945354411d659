"""What `lenshub evaluate --compare` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cli.evaluate_tables import SHOWN_CLASSES, limits, share, speed, titled
from hub.cli.shared import as_shown, console

if TYPE_CHECKING:
    from edge.evaluation.comparison import Comparison, Difference
    from edge.evaluation.counts import Counts

Row = tuple[object, ...]


def print_comparison(comparison: Comparison, most: int) -> None:
    """Print two models beside each other, what changed, and the verdict as the last line."""
    console.print()
    for name, one in (("old", comparison.old), ("new", comparison.new)):
        console.print(as_shown(f"{name}: {one.title}, threshold {limits(one)}"), style="bold")
    rows = [_decisive(one) for one in comparison.differences]
    titled("Differences", ("", "old", "new", "change", "95 % of resamples"), [*rows, *_further(comparison)])
    _print_classes(comparison)
    _print_changed(comparison, most)
    console.print(f"\nspeed, in turns: old {speed(comparison.old)}; new {speed(comparison.new)}")
    console.print(f"verdict: {verdict_line(comparison)}", style="bold")


def _decisive(one: Difference) -> Row:
    return (one.name, share(one.old), share(one.new), _signed(one.change), _range(one))


def _further(comparison: Comparison) -> list[Row]:
    old, new = comparison.old, comparison.new
    if old.has_boxes:
        rows = [_row("AP50:95", old.ap50_95, new.ap50_95)]
    else:
        rows = [_row(f"top-{size}", value, new.top[size]) for size, value in old.top.items()]
    return [*rows, *_count_rows(old.counts, new.counts)]


def _count_rows(old: Counts, new: Counts) -> list[Row]:
    whole = (
        (name, getattr(old, name), getattr(new, name)) for name in ("expected", "true", "false", "missed")
    )
    return [
        _row("precision", old.precision, new.precision),
        _row("recall", old.recall, new.recall),
        *((name, before, after, f"{after - before:+d}", None) for name, before, after in whole),
        _row("mean true confidence", old.mean_true_confidence, new.mean_true_confidence),
        _row("mean false confidence", old.mean_false_confidence, new.mean_false_confidence),
    ]


def _row(name: str, old: float | None, new: float | None) -> Row:
    change = None if old is None or new is None else new - old
    return (name, share(old), share(new), _signed(change), None)


def _print_classes(comparison: Comparison) -> None:
    classes = comparison.old.classes
    if len(classes) < 2:
        return
    rows = []
    for label in sorted(classes, key=lambda label: -classes[label].expected)[:SHOWN_CLASSES]:
        _, *rest, _ = _row(label, classes[label].f1, comparison.new.classes[label].f1)
        rows.append((label, classes[label].expected, *rest))
    titled("F1 by class", ("class", "expected", "old", "new", "change"), rows)


def _print_changed(comparison: Comparison, most: int) -> None:
    from edge.evaluation.figures import tell_mistakes

    changed = comparison.changed
    if not changed:
        console.print("\nno picture on which they differ")
    elif most:
        rows = (
            (
                one.old.scene.name,
                "better" if one.gain > 0 else "worse",
                tell_mistakes(one.old),
                tell_mistakes(one.new),
            )
            for one in changed[:most]
        )
        columns = ("picture", "new is", "old", "new")
        titled(f"What is wrong with the most changed of {len(changed)} pictures", columns, rows)


def _signed(value: float | None) -> str | None:
    return None if value is None else f"{value:+.3f}"


def _range(one: Difference) -> str | None:
    return None if one.low is None or one.high is None else f"{one.low:+.3f} to {one.high:+.3f}"


def verdict_line(comparison: Comparison) -> str:
    """Return the verdict with what it rests on."""
    from edge.evaluation.comparison import LEAST_PICTURES

    first = comparison.differences[0]
    chance = "no difference that can be told from chance"
    if not comparison.is_enough:
        return f"{chance}: fewer than {LEAST_PICTURES} pictures"
    if first.change is None:
        return f"{chance}: nothing is true of any picture"
    what = f"{first.name} {_signed(first.change)}, 95 % of resamples {_range(first)}"
    return f"{chance}: {what}" if comparison.verdict == "no difference" else f"{comparison.verdict}: {what}"
