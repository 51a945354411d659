"""Classification as torchvision's ImageFolder reads it: SPLIT/CLASS/picture.

A class whose name cannot be a folder's is written with %XX, as in addresses.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from hub.dataset.checked import name_of
from hub.dataset.folder import PICTURE_SUFFIXES, Folder, UnreadableError
from hub.dataset.output import Output
from hub.dataset.reading import Reading, split_of
from hub.dataset.sample import Dataset, Object, Sample

NAME = "imagefolder"
_UNFIT = re.compile(r'[%/\\:*?"<>|\x00-\x1f]|^[. ]|[. ]$')

_MOST_BYTES = 255


def recognise(folder: Folder) -> bool:
    """Whether all that is there is pictures in folders of folders named for splits."""
    pictures = folder.under(".", suffixes=PICTURE_SUFFIXES)
    return bool(pictures) and all(_class_of(folder, path) for path in pictures)


def _class_of(folder: Folder, path: Path) -> str | None:
    parts = path.relative_to(folder.root).parts
    return parts[1] if len(parts) == 3 and split_of(parts[0]) else None


def read(reading: Reading) -> Dataset:
    """Read every picture; its class is said of the whole picture."""
    samples = []
    for path in reading.count(reading.folder.under(".", suffixes=PICTURE_SUFFIXES)):
        with reading.guard(reading.folder.where(path)):
            name = _class_of(reading.folder, path)
            if name is None:
                raise UnreadableError("class_unknown", "lies in no SPLIT/CLASS folder")
            label = name_of(unquote(name), "the folder")
            split = split_of(path.relative_to(reading.folder.root).parts[0])
            samples.append(reading.sample(reading.look_at(path), [Object(label)], split))
    return Dataset(tuple(sorted({one.label for sample in samples for one in sample.objects})), tuple(samples))


def class_of(sample: Sample) -> str | None:
    """Return the class that can be said of a whole picture: that of all its objects, if they have one."""
    labels = {one.label for one in sample.objects}
    return labels.pop() if len(labels) == 1 else None


def folder_of(label: str) -> str | None:
    """Return the name of a class's folder, or None where it is longer than file systems have them."""
    name = _UNFIT.sub(lambda found: f"%{ord(found[0]):02X}", label)
    return name if len(name.encode(errors="surrogatepass")) <= _MOST_BYTES else None


def write(dataset: Dataset, output: Output) -> None:
    """Write the pictures that have one class; the others have no place here, and are left out."""
    for sample in output.count(list(dataset.samples)):
        label = class_of(sample)
        folder = None if label is None else folder_of(label)
        if folder is not None:
            output.picture(sample, f"{sample.split or 'train'}/{folder}/{sample.name}")
