"""Brings a training set into the store: each picture an event that a person has reviewed."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hub.dataset.class_map import rename_classes
from hub.dataset.finding import DatasetError, Finding, errors_in
from hub.dataset.formats import read_dataset
from hub.dataset.sample import UNSPECIFIED, Dataset, Object, Sample
from hub.decode.limits import Limits
from hub.decode.message import Decoded, Message
from hub.decode.picture import measure_picture
from hub.errors import PayloadError
from hub.event import Box, Detection, Frame, NewEvent
from hub.store.arrival import Arrival, Burst, Receipt
from hub.store.database import Database
from hub.store.known_keys import list_keys
from hub.store.log import EventLog
from hub.store.writer import Writer
from hub.verdicts import REVIEW

SOURCE = "dataset"
BURST_PICTURES, BURST_BYTES = 100, 16 * 1024 * 1024
TOLD = 20  # findings in an answer
_LIMITS = Limits()
_BY = "reviewed_by"


@dataclass(frozen=True, slots=True)
class Brought:
    """What is to be brought in.

    Attributes:
        device: Whom the events are of.
        known: A class map.
        repair: Bring what is usable of a set with errors.
    """

    root: Path
    device: str
    format: str | None = None
    known: Mapping[str, str] | None = None
    repair: bool = False


async def bring(brought: Brought, writer: Writer, engine: Database) -> list[str]:
    """Store a set's samples that are not stored yet; return in lines what came of it.

    A sample's key is the digest of the whole set and its file, so that nothing is stored twice.

    Raises:
        DatasetError: The set cannot be read, or it has errors and is not to be repaired.
    """
    dataset, findings = await asyncio.to_thread(_read, brought)
    prefix = f"{SOURCE}:{(await asyncio.to_thread(digest_of, dataset))[:32]}:"
    keys, log = partial(list_keys, prefix=prefix), EventLog(engine)
    before = await log.ask(keys)
    new = [sample for sample in dataset.samples if prefix + name_of(sample) not in before]
    for part in _parts(new):
        arrivals = await asyncio.to_thread(_make_arrivals, part, prefix, brought.device, findings)
        await _store(arrivals, writer)
    stored = len(await log.ask(keys)) - len(before)
    pictures = "1 picture" if stored == 1 else f"{stored} pictures"
    there = f"{len(before)} were there already"
    lines = [f"{pictures} stored as reviewed events of {brought.device}, {there}"]
    return lines + _tell(findings)


def _read(brought: Brought) -> tuple[Dataset, list[Finding]]:
    _, dataset, findings = read_dataset(brought.root, brought.format)
    if brought.known is not None:
        dataset, unmapped = rename_classes(dataset, brought.known)
        findings += unmapped
    if errors_in(findings) and not brought.repair:
        said = "nothing was stored: mend the set, or let --repair leave out what is wrong"
        raise DatasetError("\n".join([*_tell(findings), said]))
    return dataset, findings


def _tell(findings: Sequence[Finding]) -> list[str]:
    errors = errors_in(findings)
    more = [f"and {len(errors) - TOLD} more; see `lenshub dataset check`"] if len(errors) > TOLD else []
    return [*map(str, errors[:TOLD]), *more]


def name_of(sample: Sample) -> str:
    """Return what tells a sample from the others of its set."""
    return f"{sample.split or 'train'}/{sample.name}"


def digest_of(dataset: Dataset) -> str:
    """Return the digest of all that a set says, and of its pictures. Blocks."""
    found = hashlib.sha256()
    for sample in sorted(dataset.samples, key=name_of):
        with sample.picture.open("rb") as file:
            picture = hashlib.file_digest(file, "sha256").hexdigest()
        objects = [asdict(one) | {"flags": sorted(one.flags)} for one in sample.objects]
        size = [sample.width, sample.height]
        found.update(json.dumps([name_of(sample), picture, size, objects]).encode() + b"\n")
    return found.hexdigest()


def _parts(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """Yield samples by as many as may be in memory at once."""
    part: list[Sample] = []
    size = 0
    for sample in samples:
        part.append(sample)
        size += sample.picture.stat().st_size
        if len(part) == BURST_PICTURES or size > BURST_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


async def _store(arrivals: tuple[Arrival, ...], writer: Writer) -> None:
    if arrivals:
        committed: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        await writer.room()
        writer.add(Burst(arrivals, committed.set_result))
        await committed


def _make_arrivals(
    samples: Sequence[Sample], prefix: str, device: str, findings: list[Finding]
) -> tuple[Arrival, ...]:
    found = []
    for sample in samples:
        try:
            found.append(_make_arrival(sample, prefix, device))
        except (PayloadError, OSError) as error:
            findings.append(Finding("picture_refused", name_of(sample), str(error), "left out"))
        except ValidationError as error:
            said = error.errors(include_url=False, include_input=False)[0]["msg"]
            findings.append(Finding("event_refused", name_of(sample), said, "left out"))
    return tuple(found)


def _make_arrival(sample: Sample, prefix: str, device: str) -> Arrival:
    data = sample.picture.read_bytes()
    measured = measure_picture(data, _LIMITS)
    if measured.orientation != 1:
        raise PayloadError("picture_turned", "EXIF turns it, and which way its boxes are is not known")
    frame = Frame(
        digest=hashlib.sha256(data).hexdigest(),
        width=measured.width,
        height=measured.height,
        media_type=measured.media_type,
    )
    attributes: dict[str, Any] = {REVIEW: "accepted", _BY: SOURCE, "file": name_of(sample)}
    event = NewEvent(
        key=prefix + name_of(sample),
        source=SOURCE,
        device=device,
        captured_at=_captured_at(sample),
        frame=frame,
        detections=tuple(_detect(one, sample) for one in sample.objects),
        attributes=attributes,
    )
    message = Message(
        SOURCE, f"{SOURCE}/{device}", event.model_dump_json().encode() + b"\n" + data, datetime.now(UTC)
    )
    return Arrival(message, Decoded(events=(event,), picture=data, device=device), late=True)


def _captured_at(sample: Sample) -> datetime:
    """Return when a picture was taken: as its provenance says, else when its file was last changed."""
    try:
        told = datetime.fromisoformat(str(sample.provenance.get("captured_at")))
    except ValueError:
        told = None
    if told is not None and told.tzinfo is not None:
        return told
    return datetime.fromtimestamp(sample.picture.stat().st_mtime, UTC)


def _detect(found: Object, sample: Sample) -> Detection:
    attributes: dict[str, Any] = dict.fromkeys(sorted(found.flags), True)
    attributes |= {} if found.pose == UNSPECIFIED else {"pose": found.pose}
    box = None
    if found.box is not None:
        width, height = sample.width, sample.height
        left, top = found.box.left / width, found.box.top / height
        box = Box(left=left, top=top, width=found.box.width / width, height=found.box.height / height)
    return Detection(label=found.label, confidence=1.0, box=box, attributes=attributes)
