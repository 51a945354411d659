"""The sheet that goes with an exported set: what it is, from when and where, how chosen, how reviewed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from hub.dataset.reference import references_in, tell_how_to_fetch
from hub.dataset.sample import Dataset, Sample

_BAR = 40  # characters of the longest bar
_NONE = "none"


def describe_dataset(
    dataset: Dataset, how: Mapping[str, Any], left_out: Mapping[str, int], alike: int
) -> dict[str, Any]:
    """Return the facts of a set made of events; the same set has the same facts.

    Args:
        how: The options that it was made with.
        left_out: How many events were left out, by reason.
        alike: How many pictures are nearly the same as another.
    """
    samples = dataset.samples
    addresses = references_in(dataset)
    moments = sorted(str(one.provenance["captured_at"]) for one in samples if "captured_at" in one.provenance)
    return {
        "pictures": {split: len(dataset.of(split)) for split in dataset.splits},
        "negatives": {split: sum(not one.objects for one in dataset.of(split)) for split in dataset.splits},
        "classes": {
            name: {split: _count_class(dataset.of(split), name) for split in dataset.splits}
            for name in dataset.classes
        },
        "without_box": sum(found.box is None for one in samples for found in one.objects),
        "captured": {"first": moments[0], "last": moments[-1]} if moments else {},
        "devices": _count(samples, "device"),
        "sources": _count(samples, "source"),
        "models": _tally(_name_model(one.provenance.get("model")) for one in samples),
        "chosen": _count(samples, "chosen"),
        "review": _count(samples, "review"),
        "reviewers": _count(samples, "reviewed_by"),
        "nearly_the_same": alike,
        "left_out": dict(sorted((reason, count) for reason, count in left_out.items() if count)),
        "how": dict(how),
    } | ({"fetch": tell_how_to_fetch(addresses)} if addresses else {})


def _count_class(samples: list[Sample], name: str) -> int:
    return sum(one.label == name for sample in samples for one in sample.objects)


def _count(samples: Iterable[Sample], name: str) -> dict[str, int]:
    return _tally(_as_text(one.provenance.get(name)) for one in samples)


def _as_text(value: object) -> str:
    if value is None:
        return _NONE
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _tally(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _name_model(model: Any) -> str:
    return f"{model['name']} {model['version']}" if isinstance(model, dict) else _NONE


def as_json(facts: Mapping[str, Any]) -> str:
    """Return the sheet for programs."""
    return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"


def as_markdown(facts: Mapping[str, Any], picture: str | None = None) -> str:
    """Return the sheet for people; `picture` is the file that shows the classes' counts, if there is one."""
    splits = list(facts["pictures"])
    captured = facts["captured"]
    lines = ["# Training set", "", f"{sum(facts['pictures'].values())} pictures"]
    if captured:
        lines[-1] += f", captured from {captured['first']} to {captured['last']}"
    lines[-1] += f"; {facts['nearly_the_same']} are nearly the same as another, and of its split."
    if facts["without_box"]:
        lines[-1] += (
            f" {facts['without_box']} objects had no box: in formats of boxes, theirs is the picture."
        )
    if "fetch" in facts:
        lines += ["", "The pictures are in S3, and not here. In this folder, fetch them:"]
        lines += ["", "```", facts["fetch"], "```"]
    lines += ["", "## What is in it", "", f"| | {' | '.join(splits)} |", "|---|" + "---:|" * len(splits)]
    rows = {"pictures": facts["pictures"], "negatives": facts["negatives"]} | facts["classes"]
    lines += [
        f"| {_plain(name)} | {' | '.join(str(row[split]) for split in splits)} |"
        for name, row in rows.items()
    ]
    lines += ["", "```", *_bars({name: sum(row.values()) for name, row in facts["classes"].items()}), "```"]
    lines += ["", f"![Objects by class]({picture})"] if picture else []
    titles = {
        "devices": "From where",
        "sources": "From which source",
        "models": "What had seen it",
        "chosen": "Why it was chosen",
        "review": "How it was reviewed",
        "reviewers": "By whom",
        "left_out": "Events left out",
    }
    for key, title in titles.items():
        lines += [
            "",
            f"## {title}",
            "",
            *(f"- {_plain(name)}: {n}" for name, n in (facts[key] or {_NONE: 0}).items()),
        ]
    how = (f"- {name}: {_plain(_as_text(value))}" for name, value in facts["how"].items())
    return "\n".join([*lines, "", "## How it was made", "", *how]) + "\n"


def _bars(counts: Mapping[str, int]) -> list[str]:
    most, width = max(counts.values(), default=0) or 1, max(map(len, counts), default=0)
    rows = ((name, count, "█" * round(_BAR * count / most)) for name, count in counts.items())
    return [f"{name.ljust(width)}  {bar} {count}".replace("`", "'") for name, count, bar in rows]


def _plain(text: str) -> str:
    """Return text whose signs mean nothing in Markdown's tables and lists."""
    escaped = "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in text)
    return escaped.replace("\n", " ")
