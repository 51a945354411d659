"""Pascal VOC as labelImg writes it: an XML for each picture.

Source: the VOC2012 development kit, in whose folders it is written, and labelImg's pascal_voc_io.py; corners
in whole pixels, taken as they are (the published pipeline subtracted no 1 either).
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from hub.dataset.checked import name_of, number, refuse, side
from hub.dataset.folder import Folder
from hub.dataset.markup import MOST_BYTES, Element, parse_xml
from hub.dataset.output import Output
from hub.dataset.reading import Reading, in_order, split_of
from hub.dataset.sample import FLAGS, UNSPECIFIED, Dataset, Object, Sample, Split

NAME = "voc"
_LISTS: dict[str, Split] = {"train.txt": "train", "val.txt": "validation", "test.txt": "test"}
_LIST_OF = {split: name for name, split in _LISTS.items()}
_CLASSES = "classes.txt"


def recognise(folder: Folder) -> bool:
    """Whether there is an XML."""
    return bool(folder.under(".", suffixes=(".xml",)))


def read(reading: Reading) -> Dataset:
    """Read every XML whose root is an annotation."""
    listed, samples = _read_lists(reading), []
    for path in reading.count(reading.folder.under(".", suffixes=(".xml",))):
        with reading.guard(reading.folder.where(path)):
            split = listed.get(path.stem) or split_of(reading.folder.where(path.parent))
            samples.append(_read_one(reading, path, split))
    labels = [one.label for sample in samples for one in sample.objects]
    return Dataset(in_order(labels, _read_classes(reading)), tuple(samples))


def _read_lists(reading: Reading) -> dict[str, Split]:
    """Return the split of each stem that ImageSets/Main lists."""
    found: dict[str, Split] = {}
    for path in reading.folder.under(".", suffixes=(".txt",)):
        if path.parent.name == "Main" and path.name in _LISTS:
            with reading.guard(reading.folder.where(path)):
                stems = (line.strip() for line in reading.folder.text(path).split("\n"))
                found |= dict.fromkeys(stems, _LISTS[path.name])
    return found


def _read_classes(reading: Reading) -> list[str]:
    names: list[str] = []
    for path in reading.folder.under(".", suffixes=(".txt",)):
        if path.name == _CLASSES:
            with reading.guard(reading.folder.where(path)):
                lines = (line.strip() for line in reading.folder.text(path).split("\n"))
                names += [name_of(line, "a class") for line in lines if line]
    return names


def _read_one(reading: Reading, path: Path, split: Split | None) -> Sample:
    where = reading.folder.where(path)
    root = parse_xml(reading.folder.read(path, MOST_BYTES))
    if root.name != "annotation":
        refuse("the root must be <annotation>, and", root.name)
    name = name_of(root.text_of("filename") or path.stem, "<filename>")
    pictures = path.parent.with_name("JPEGImages")
    near = pictures if pictures.is_dir() else path.parent
    picture = reading.find_picture(name, near, reading.folder.where(path.parent), "JPEGImages", "images", ".")
    size = root.first("size")
    width, height = (side(size.text_of(key), f"<{key}>") for key in ("width", "height"))
    depth = side(size.text_of("depth") or picture.depth, "<depth>")
    reading.check_size((width, height), picture)
    objects = []
    for one in root.all("object"):
        with reading.guard_object(f"{where}:{one.line}", picture):
            found = _read_object(reading, f"{where}:{one.line}", one, (width, height))
            objects += [found] if found else []
    return reading.sample(picture, objects, split, (width, height, depth))


def _read_object(reading: Reading, where: str, one: Element, size: tuple[int, int]) -> Object | None:
    label = name_of(one.first("name").text.strip(), "<name>")
    bounds = one.first("bndbox")
    xmin, ymin, xmax, ymax = (
        number(bounds.first(key).text.strip(), f"<{key}>") for key in ("xmin", "ymin", "xmax", "ymax")
    )
    box = reading.judge(where, (xmin, ymin, xmax, ymax), size)
    flags = frozenset(flag for flag in FLAGS if one.text_of(flag) == "1")
    return Object(label, box, flags, one.text_of("pose") or UNSPECIFIED) if box else None


def write(dataset: Dataset, output: Output) -> None:
    """Write Annotations/, JPEGImages/, ImageSets/Main/ and classes.txt, which keeps the classes' order."""
    stems: dict[Split, list[str]] = {split: [] for split in dataset.splits}
    for folder in ("Annotations", "JPEGImages"):
        output.folder(folder)
    for sample in output.count(list(dataset.samples)):
        stem = Path(sample.name).stem
        stems[sample.split or "train"].append(stem)
        output.picture(sample, f"JPEGImages/{sample.name}")
        output.text(f"Annotations/{stem}.xml", _describe(sample))
    for split, own in stems.items():
        output.text(f"ImageSets/Main/{_LIST_OF[split]}", "".join(f"{stem}\n" for stem in own))
    output.text(_CLASSES, "".join(f"{name}\n" for name in dataset.classes))


def _describe(sample: Sample) -> str:
    size = f"<width>{sample.width}</width><height>{sample.height}</height><depth>{sample.depth}</depth>"
    lines = [
        "<annotation>",
        "\t<folder>JPEGImages</folder>",
        f"\t<filename>{escape(sample.name)}</filename>",
        "\t<source><database>LensHub</database></source>",
        f"\t<size>{size}</size>",
        "\t<segmented>0</segmented>",
    ]
    for one in sample.objects:
        lines += _describe_object(one, sample)
    return "\n".join([*lines, "</annotation>"]) + "\n"


def _describe_object(one: Object, sample: Sample) -> list[str]:
    left, top, width, height = sample.box_of(one).in_whole_pixels()
    corners = {"xmin": left, "ymin": top, "xmax": left + width, "ymax": top + height}
    bounds = "".join(f"<{name}>{value}</{name}>" for name, value in corners.items())
    flags = "".join(f"<{flag}>{int(flag in one.flags)}</{flag}>" for flag in FLAGS)
    return [
        "\t<object>",
        f"\t\t<name>{escape(one.label)}</name>",
        f"\t\t<pose>{escape(one.pose)}</pose>{flags}",
        f"\t\t<bndbox>{bounds}</bndbox>",
        "\t</object>",
    ]
