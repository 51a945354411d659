"""The agent without its camera: the real spool and link, fed by a generator that keeps a list of its own."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import logging
import os
import random
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

from book import Book, Made, read_book
from PIL import Image

from edge.link import Broker, Link
from edge.spool import Place, Spool
from hub.event import Box, Detection, Frame, Model, NewEvent

PICTURE_EVERY = 8
WIDTH, HEIGHT = 64, 48
LARGEST_BATCH = 10
LABELS = ("thumbs-up", "thumbs-down", "いいね", "fist")
Record = tuple[Made, bytes | None]


def draw_picture(device: str, n: int) -> bytes:
    """Return a JPEG that no other record has."""
    picture = io.BytesIO()
    image = Image.new("RGB", (WIDTH, HEIGHT), (n % 256, n // 256 % 256, 99))
    image.save(picture, "JPEG", comment=f"{device} {n}")
    return picture.getvalue()


def make_record(device: str, n: int, dice: random.Random) -> Record:
    """Return record number `n`."""
    picture = draw_picture(device, n) if n % PICTURE_EVERY == 0 else None
    digest = hashlib.sha256(picture).hexdigest() if picture else None
    box = Box(left=dice.random(), top=dice.random(), width=dice.random(), height=dice.random())
    seen = Detection(label=dice.choice(LABELS), confidence=dice.random(), box=box, class_id=n % 4)
    event = NewEvent(
        source="edge",
        device=device,
        captured_at=datetime.now(UTC).replace(microsecond=dice.randrange(1, 1_000_000)),
        model=Model(name="generator", version="1"),
        frame=Frame(digest=digest, width=WIDTH, height=HEIGHT, media_type="image/jpeg") if digest else None,
        detections=(seen,),
        attributes={"n": n},
    )
    return Made(n, event.model_dump_json(exclude_none=True, exclude_defaults=True), digest), picture


def generate(spool: Spool, book: Book, arguments: argparse.Namespace, n: int) -> None:
    """Make records from number `n` on, in batches of random size at random moments. Blocks.

    It ends once there are `--events` of them, but not before the file `enough` is there.
    """
    dice = random.Random()  # noqa: S311 - sizes and pauses
    next_at = time.monotonic()
    while n <= arguments.events or not (arguments.folder / "enough").exists():
        size = dice.randint(1, LARGEST_BATCH)
        keep(spool, book, [make_record(arguments.device, n + i, dice) for i in range(size)])
        n += size
        next_at += dice.expovariate(arguments.rate / size)
        time.sleep(max(0.0, next_at - time.monotonic()))
    book.note_end()


def keep(spool: Spool, book: Book, records: list[Record]) -> None:
    """List records, append them to the spool, list that they are in it."""
    book.note_made([made for made, _ in records])
    last = spool.append_many((made.line.encode(), picture) for made, picture in records)
    book.note_kept([made.n for made, _ in records], last)


def note_cut(spool: Spool, book: Book, path: Path) -> int:
    """List those records that the spool had taken when a kill kept us from listing it.

    Returns:
        The number that the next record gets.
    """
    made, kept = read_book(path)
    database = sqlite3.connect(spool.path)
    query = "SELECT e.name, r.seq FROM records r JOIN epochs e ON e.id = r.epoch WHERE r.line = ?"
    for n in made.keys() - kept.keys():
        found = database.execute(query, [made[n].line.encode()]).fetchone()
        if found:
            book.note_kept([n], Place(*found))
    database.close()
    return max(made, default=0) + 1


async def work(arguments: argparse.Namespace) -> None:
    """Send what the generator makes, until killed."""
    path = arguments.folder / "made.jsonl"
    with Spool.open(arguments.folder / "spool.db") as spool:
        book = Book(path)
        n = note_cut(spool, book, path)
        password = os.environ["AGENT_PASSWORD"]
        link = Link(spool, arguments.device, Broker("127.0.0.1", arguments.port, arguments.device, password))
        async with asyncio.TaskGroup() as group:
            group.create_task(link.run())
            group.create_task(asyncio.to_thread(generate, spool, book, arguments, n))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="records a second")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s")
    asyncio.run(work(parser.parse_args()))
