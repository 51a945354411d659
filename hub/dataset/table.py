"""The published pipeline's CSV, which is read: filename,width,height,class,xmin,ymin,xmax,ymax in pixels.

A line is an object; columns may be in any order, and others are passed over. A picture that no line names is
a negative only if a line with its name and an empty class says so.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

from hub.dataset.checked import name_of, number, refuse, side
from hub.dataset.folder import Folder
from hub.dataset.reading import Reading, in_order, split_of
from hub.dataset.sample import Dataset, Object, Sample

NAME = "csv"
COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")


def _tables(folder: Folder) -> list[Path]:
    return folder.under(".", suffixes=(".csv",))


def recognise(folder: Folder) -> bool:
    """Whether there is a CSV."""
    return bool(_tables(folder))


def read(reading: Reading) -> Dataset:
    """Read every CSV."""
    samples: list[Sample] = []
    for path in reading.count(_tables(reading.folder)):
        with reading.guard(reading.folder.where(path)):
            samples += _read_one(reading, path)
    labels = [one.label for sample in samples for one in sample.objects]
    return Dataset(in_order(labels), tuple(samples))


def _read_one(reading: Reading, path: Path) -> list[Sample]:
    where = reading.folder.where(path)
    rows = csv.DictReader(io.StringIO(reading.folder.text(path), newline=""), skipinitialspace=True)
    try:
        names = [(name or "").strip().lower() for name in rows.fieldnames or ()]
        rows.fieldnames = names
        if missing := [column for column in COLUMNS if column not in names]:
            refuse(f"no column {', '.join(missing)}; the first line", ",".join(names))
        found: dict[Path, Sample] = {}
        for row in rows:
            with reading.guard(f"{where}:{rows.line_num}"):
                _add(reading, path, f"{where}:{rows.line_num}", row, found)
    except csv.Error as error:
        refuse(f"line {rows.line_num}: the table", str(error))
    return list(found.values())


def _add(
    reading: Reading, path: Path, where: str, row: dict[str, str | None], found: dict[Path, Sample]
) -> None:
    values = {column: (row[column] or "").strip() for column in COLUMNS}
    split = split_of(path.name.removesuffix("_labels.csv")) or split_of(path.name)
    name = name_of(values["filename"], "filename")
    folders = (str(split or "images"), "images", f"images/{split}", ".")
    picture = reading.find_picture(name, path.parent, *folders)
    size = side(values["width"], "width"), side(values["height"], "height")
    reading.check_size(size, picture)
    split = split or split_of(reading.folder.where(picture.path.parent))
    before = found.get(picture.path)
    sample = before or reading.sample(picture, (), split, (*size, picture.depth))
    found[picture.path] = sample
    if not values["class"] and not values["xmin"]:
        return
    with reading.guard_object(where, picture):
        label = name_of(values["class"], "class")
        xmin, ymin, xmax, ymax = (number(values[key], key) for key in COLUMNS[4:])
        box = reading.judge(where, (xmin, ymin, xmax, ymax), size)
        if box is not None:
            objects = (*sample.objects, Object(label, box))
            found[picture.path] = replace(sample, objects=objects)
