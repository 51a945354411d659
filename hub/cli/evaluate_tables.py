"""What `lenshub evaluate` prints for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hub.cli.shared import as_shown, complaints, console, print_table
from hub.dataset.finding import errors_in
from hub.words import count_of

if TYPE_CHECKING:
    from edge.evaluation.counts import Counts
    from edge.evaluation.exam import Exam
    from edge.evaluation.figures import Figures
    from edge.evaluation.looking import Looked
    from hub.dataset.check import Checked
    from hub.dataset.finding import Finding

SHOWN = 5
SHOWN_CLASSES = 60
SHOWN_CONFUSION = 12
NOTHING = "(nothing)"
COUNTS = ("expected", "true", "false", "missed")
MEANS = ("mean true", "mean false")
SHARES = ("precision", "recall")


def print_setting(checked: Checked, exam: Exam, looked: Looked) -> None:
    """Say what was looked at, and on standard error what was not and why."""
    truths = sum(len(scene.truths) for scene in looked.scenes)
    negatives = sum(not scene.truths for scene in looked.scenes)
    pictures, what = count_of(len(looked.scenes), "picture"), "box" if exam.kind == "ssd" else "label"
    true = f"1 true {what}" if truths == 1 else f"{truths:,} true {'boxes' if what == 'box' else 'labels'}"
    console.print(f"Split {exam.split}: {pictures} with {true}, {negatives:,} without one")
    for note in exam.notes:
        _warn(note)
    for name, why in looked.left_out[:SHOWN]:
        _warn(f"left out: {name}: {why}")
    if len(looked.left_out) > SHOWN:
        _warn(f"left out: {len(looked.left_out) - SHOWN} more that cannot be read (--json has all)")
    _warn_of(checked.findings)


def _warn_of(findings: Sequence[Finding]) -> None:
    errors = errors_in(findings)
    if not errors:
        return
    counts = ", ".join(f"{count} {code}" for code, count in Counter(one.code for one in errors).most_common())
    _warn(f"the set has errors ({counts}): figures are of what is usable; lenshub dataset check has all")
    for one in errors[:SHOWN]:
        _warn(f"  {one}")


def _warn(text: str) -> None:
    complaints.print(as_shown(text), style="yellow")


def print_figures(figures: Figures, worst: int) -> None:
    """Print all that is said of one model."""
    console.print(f"\n{as_shown(figures.title)}: {_headline(figures)}", style="bold")
    _print_counts(figures)
    _print_classes(figures)
    _print_curve(figures)
    _print_confusion(figures)
    _print_worst(figures, worst)
    console.print(f"\nspeed: {speed(figures)}")


def _headline(figures: Figures) -> str:
    if figures.has_boxes:
        return f"AP50 {share(figures.ap50) or '-'}, AP50:95 {share(figures.ap50_95) or '-'}"
    top = "".join(f", top-{size} {share(one)}" for size, one in figures.top.items())
    return f"accuracy {share(figures.accuracy)} at the threshold{top}"


def titled(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table below its title, which may be wider."""
    console.print(f"\n{title}", style="italic")
    print_table("", columns, rows)


def _print_counts(figures: Figures) -> None:
    """Print the published table."""
    counts = figures.counts
    means = (counts.mean_true_confidence, counts.mean_false_confidence)
    figures_ = map(share, (*means, counts.precision, counts.recall, counts.f1))
    whole = (counts.expected, counts.true, counts.false, counts.missed)
    titled(f"At the threshold, {limits(figures)}", (*COUNTS, *MEANS, *SHARES, "F1"), [(*whole, *figures_)])


def share(value: float | None) -> str | None:
    """Return a figure of 0..1 with three decimals."""
    return None if value is None else f"{value:.3f}"


def limits(figures: Figures) -> str:
    """Return from which confidence on detections count."""
    found = sorted({figures.limit(label) for label in figures.exam.classes})
    return f"{found[0]:.2f}" if len(found) == 1 else f"{found[0]:.2f} to {found[-1]:.2f}"


def _print_classes(figures: Figures) -> None:
    if len(figures.classes) < 2:
        return
    ranked = sorted(figures.classes.items(), key=lambda one: -one[1].expected)[:SHOWN_CLASSES]
    columns = ("class", *COUNTS, *SHARES, *(("AP50", "AP50:95") if figures.has_boxes else MEANS))
    rows = (_class_row(figures, label, counts) for label, counts in ranked)
    titled(f"By class{_of(len(ranked), len(figures.classes))}", columns, rows)


def _class_row(figures: Figures, label: str, counts: Counts) -> tuple[object, ...]:
    if figures.has_boxes:
        last = (figures.averages.ap50[label], figures.averages.ap50_95[label])
    else:
        last = (counts.mean_true_confidence, counts.mean_false_confidence)
    whole = (counts.expected, counts.true, counts.false, counts.missed)
    return (label, *whole, *map(share, (counts.precision, counts.recall, *last)))


def _of(shown: int, all_: int) -> str:
    return f", the {shown} commonest of {all_} (--json has all)" if shown < all_ else ""


def _print_curve(figures: Figures) -> None:
    points = figures.curve.points
    rows = (
        (
            f"{one.threshold:.2f}",
            one.true,
            one.false,
            one.missed,
            *map(share, (one.precision, one.recall, one.f1)),
        )
        for one in points[1::2]
    )
    titled("By threshold", ("from", "true", "false", "missed", "precision", "recall", "F1"), rows)
    best = figures.curve.best
    if best:
        console.print(f"highest F1, {share(best.f1)}, from {best.threshold:.3f} on (of these pictures)")


def _print_confusion(figures: Figures) -> None:
    labels = [*figures.exam.classes, *sorted(figures.exam.counted - set(figures.exam.classes))]
    if len(labels) > SHOWN_CONFUSION:
        wrong = [(pair, count) for pair, count in figures.confusion.most_common() if pair[0] != pair[1]]
        rows = [(name(true), name(found), count) for (true, found), count in wrong[:SHOWN_CONFUSION]]
        titled("Most often taken for another", ("true", "found", "count"), rows)
        return
    columns: list[str | None] = [*labels, None]
    rows_ = ((name(true), *(figures.confusion[true, found] or "." for found in columns)) for true in columns)
    titled("Confusion: true in rows, found in columns", ("", *map(as_shown, map(name, columns))), rows_)


def name(label: str | None) -> str:
    """Return a label, or the word for none."""
    return NOTHING if label is None else label


def _print_worst(figures: Figures, most: int) -> None:
    from edge.evaluation.figures import tell_mistakes

    worst, wrong = figures.worst(most), sum(not one.is_right for one in figures.seen)
    if not wrong:
        console.print("\nno picture with a mistake")
    if not worst:
        return
    rows = ((one.scene.name, f"{one.error:.2f}", tell_mistakes(one)) for one in worst)
    title = f"The worst of {count_of(wrong, 'picture')} with mistakes"
    titled(title, ("picture", "error", "what is wrong"), rows)


def speed(figures: Figures) -> str:
    """Return how long a picture takes."""
    return f"{figures.latency.p50_ms:.2f} ms a picture (95 % within {figures.latency.p95_ms:.2f} ms)"
