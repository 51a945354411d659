"""What `lenshub evaluate` prints for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hub.cli.shared import as_shown, complaints, console, print_table
from hub.dataset.finding import errors_in

if TYPE_CHECKING:
    from edge.evaluation.comparison import Comparison, Difference
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


def print_setting(checked: Checked, exam: Exam, looked: Looked) -> None:
    """Say what was looked at, and on standard error what was not and why."""
    truths = sum(len(scene.truths) for scene in looked.scenes)
    negatives = sum(not scene.truths for scene in looked.scenes)
    console.print(
        f"Split {exam.split}: {len(looked.scenes)} pictures with {truths} true "
        f"{'boxes' if exam.kind == 'ssd' else 'labels'}, {negatives} of nothing"
    )
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
    print_counts([figures], [figures.title])
    _print_classes(figures)
    _print_curve(figures)
    _print_confusion(figures)
    _print_worst(figures, worst)
    console.print(f"\nspeed: {_speed(figures)}")


def _headline(figures: Figures) -> str:
    if figures.has_boxes:
        return f"AP50 {share(figures.ap50) or '-'}, AP50:95 {share(figures.ap50_95) or '-'}"
    top = "".join(f", top-{size} {share(one)}" for size, one in figures.top.items())
    return f"accuracy {share(figures.accuracy)} at the threshold{top}"


def _titled(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table below its title, which may be wider."""
    console.print(f"\n{title}", style="italic")
    print_table("", columns, rows)


def print_counts(all_figures: Sequence[Figures], titles: Sequence[str]) -> None:
    """Print the published table, a row a model."""
    rows = (
        (title, _limits(one), *_cells(one.counts), share(one.counts.f1))
        for title, one in zip(titles, all_figures, strict=True)
    )
    columns = ("model", "from", "expected", "true", "false", "missed", "mean true", "mean false")
    _titled("At the threshold", (*columns, "precision", "recall", "F1"), rows)


def _cells(counts: Counts) -> tuple[object, ...]:
    whole = (counts.expected, counts.true, counts.false, counts.missed)
    means = (counts.mean_true_confidence, counts.mean_false_confidence)
    return (*whole, *map(share, means), share(counts.precision), share(counts.recall))


def share(value: float | None) -> str | None:
    """Return a figure of 0..1 with three decimals."""
    return None if value is None else f"{value:.3f}"


def _limits(figures: Figures) -> str:
    limits = sorted({figures.limit(label) for label in figures.exam.classes})
    return f"{limits[0]:.2f}" if len(limits) == 1 else f"{limits[0]:.2f}..{limits[-1]:.2f}"


def _print_classes(figures: Figures) -> None:
    if len(figures.classes) < 2:
        return
    averages = figures.averages if figures.has_boxes else None
    ranked = sorted(figures.classes.items(), key=lambda one: -one[1].expected)[:SHOWN_CLASSES]
    rows = (
        (
            label,
            *_cells(counts),
            *((share(averages.ap50[label]), share(averages.ap50_95[label])) if averages else ()),
        )
        for label, counts in ranked
    )
    columns = (
        "class",
        "expected",
        "true",
        "false",
        "missed",
        "mean true",
        "mean false",
        "precision",
        "recall",
    )
    _titled(
        f"By class{_of(len(ranked), len(figures.classes))}",
        (*columns, *(("AP50", "AP50:95") if averages else ())),
        rows,
    )


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
    _titled("By threshold", ("from", "true", "false", "missed", "precision", "recall", "F1"), rows)
    best = figures.curve.best
    if best:
        console.print(f"highest F1, {share(best.f1)}, from {best.threshold:.3f} on (of these pictures)")


def _print_confusion(figures: Figures) -> None:
    labels = [*figures.exam.classes, *sorted(figures.exam.counted - set(figures.exam.classes))]
    if len(labels) > SHOWN_CONFUSION:
        wrong = [(pair, count) for pair, count in figures.confusion.most_common() if pair[0] != pair[1]]
        rows = [(name(true), name(found), count) for (true, found), count in wrong[:SHOWN_CONFUSION]]
        _titled("Most often taken for another", ("true", "found", "count"), rows)
        return
    columns: list[str | None] = [*labels, None]
    rows_ = ((name(true), *(figures.confusion[true, found] or "." for found in columns)) for true in columns)
    _titled("Confusion: true in rows, found in columns", ("", *map(as_shown, map(name, columns))), rows_)


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
    _titled(f"The worst of {wrong} pictures with mistakes", ("picture", "error", "what is wrong"), rows)


def _speed(figures: Figures) -> str:
    return f"{figures.latency.p50_ms:.2f} ms a picture (95 % within {figures.latency.p95_ms:.2f} ms)"


def print_comparison(comparison: Comparison, most: int) -> None:
    """Print two models beside each other, what changed, and the verdict as the last line."""
    from edge.evaluation.figures import name_all

    both = (comparison.old, comparison.new)
    titles = [f"old: {comparison.old.title}", f"new: {comparison.new.title}"]
    print_counts(both, titles)
    rows = (
        (one.name, *map(share, (one.old, one.new)), _signed(one.change), _range(one))
        for one in comparison.differences
    )
    _titled("Differences", ("", "old", "new", "change", "95 % of resamples"), [*rows, *_further(comparison)])
    _print_class_changes(comparison)
    _print_changed(comparison, most)
    console.print(
        "\nspeed, in turns: "
        + "; ".join(f"{as_shown(t)}: {_speed(f)}" for t, f in zip(name_all(both), both, strict=True))
    )
    console.print(f"verdict: {verdict_line(comparison)}", style="bold")


def _further(comparison: Comparison) -> list[tuple[object, ...]]:
    old, new = comparison.old, comparison.new
    pairs: list[tuple[str, float | None, float | None]] = []
    if old.has_boxes:
        pairs.append(("AP50:95", old.ap50_95, new.ap50_95))
    else:
        pairs += [(f"top-{size}", value, new.top.get(size)) for size, value in old.top.items()]
    pairs += [
        ("precision", old.counts.precision, new.counts.precision),
        ("recall", old.counts.recall, new.counts.recall),
    ]
    return [
        (what, share(a), share(b), _signed(None if a is None or b is None else b - a), None)
        for what, a, b in pairs
    ]


def _print_class_changes(comparison: Comparison) -> None:
    if len(comparison.old.classes) < 2:
        return
    rows = []
    for label, before in list(comparison.old.classes.items())[:SHOWN_CLASSES]:
        after = comparison.new.classes[label]
        moved = None if before.f1 is None or after.f1 is None else after.f1 - before.f1
        rows.append((label, before.expected, share(before.f1), share(after.f1), _signed(moved)))
    _titled("F1 by class", ("class", "expected", "old", "new", "change"), rows)


def _print_changed(comparison: Comparison, most: int) -> None:
    from edge.evaluation.figures import tell_mistakes

    if not most:
        return
    changed = comparison.changed
    rows = (
        (
            one.old.scene.name,
            "better" if one.gain > 0 else "worse",
            tell_mistakes(one.old),
            tell_mistakes(one.new),
        )
        for one in changed[:most]
    )
    title = f"Most changed of {len(changed)} pictures: what is wrong"
    _titled(title, ("picture", "new is", "old", "new"), rows)


def _signed(value: float | None) -> str | None:
    return None if value is None else f"{value:+.3f}"


def _range(one: Difference) -> str | None:
    return None if one.low is None or one.high is None else f"{one.low:+.3f} to {one.high:+.3f}"


def verdict_line(comparison: Comparison) -> str:
    """Return the verdict with what it rests on."""
    from edge.evaluation.comparison import LEAST_PICTURES

    first = comparison.differences[0]
    if not comparison.is_enough:
        return f"no difference that can be told from chance: fewer than {LEAST_PICTURES} pictures"
    if first.change is None:
        return "no difference that can be told from chance: nothing is true of any picture"
    what = f"{first.name} {_signed(first.change)}, between {_range(first)} in 95 % of resamples"
    if comparison.verdict == "no difference":
        return f"no difference that can be told from chance: {what}"
    return f"the new model is {comparison.verdict}: {what}"
