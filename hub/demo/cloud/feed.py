"""Sends the cloud demo's pictures at an even pace: duplicates and poison among them, each counted."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from hub.demo.cloud.notice import TEST_EVENT, WAYS
from hub.demo.cloud.pictures import Picture, draw_book, draw_sign, read_thumbs
from hub.demo.cloud.rekognition_server import RekognitionServer
from hub.demo.cloud.setting import BATCH, BOOKS_OF, BUCKET, QUEUE, SIGNS, THUMBS, CloudSetting
from hub.demo.cloud.storage_server import StorageServer
from hub.errors import HubError
from hub.images.token import read_token

NOT_A_PICTURE = b"This is what somebody wrote down about a picture."
UPLOAD_S = 60.0
POISON_EVERY = 24


@dataclass
class Sent:
    """What was sent, and so what must become of it.

    Attributes:
        pictures: Distinct good ones, by instance.
        images: All that was sent, by the way it took; the same one may have come twice.
        duplicates: How many of these had been sent before.
        refused: By code, those that no event can be made of; `door` were refused to the sender's face.
        asked: Books without a barcode.
    """

    pictures: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    door: int = 0
    asked: int = 0


class Feed:
    """Puts pictures into bucket, folder and door, one round a step; `sent` says what it put where."""

    def __init__(
        self,
        setting: CloudSetting,
        storage: StorageServer,
        rekognition: RekognitionServer,
        client: aiohttp.ClientSession,
    ) -> None:
        self.sent = Sent()
        self._setting = setting
        self._storage = storage
        self._rekognition = rekognition
        self._client = client
        self._thumbs: list[Picture] = []
        self._earlier = ""

    async def begin(self) -> None:
        """Fill the folder, so that the first batch is due when the hub starts."""
        self._thumbs = await asyncio.to_thread(read_thumbs)
        self._storage.queue(QUEUE).send(TEST_EVENT)
        await self.fill_folder()

    async def step(self, number: int) -> None:
        """Send what belongs to a step, counted from 0."""
        await self._put_sign(number)
        if number % 3 == 1:
            await self._upload_book(number // 3)
        poison = {
            2: self._send_prose,
            8: self._name_what_is_gone,
            14: self._put_prose,
            20: self._upload_prose,
        }
        if (put := poison.get(number % POISON_EVERY)) is not None:
            await put(number)

    async def fill_folder(self) -> None:
        """Put as many frames of the clip into the folder as a batch needs, the last one twice."""
        done = self.sent.pictures[THUMBS]
        pictures = self._thumbs[done : done + BATCH]
        for number, picture in enumerate(pictures, done):
            self._teach(picture, picture.digest)
            await asyncio.to_thread(_drop, self._setting.thumbs / f"frame-{number:03}.jpg", picture.data)
        if pictures:
            copy = self._setting.thumbs / f"frame-{done + len(pictures) - 1:03}-copy.jpg"
            await asyncio.to_thread(_drop, copy, pictures[-1].data)
        self.sent.pictures[THUMBS] += len(pictures)
        self.sent.images["folder"] += len(pictures) + bool(pictures)
        self.sent.duplicates += bool(pictures)

    async def _put_sign(self, number: int) -> None:
        """Put a picture into the bucket and tell of it in one of three ways; of every fourth twice."""
        picture, key = await asyncio.to_thread(draw_sign, number), f"street/sign {number:04}.jpg"
        self._storage.objects[f"{BUCKET}/{key}"] = picture.data
        self._teach(picture, f"s3://{BUCKET}/{key}")
        said = WAYS[number % len(WAYS)](BUCKET, key, f"{number:016X}")
        self._tell(said)
        if number % 4 == 3:
            self._tell(self._earlier)
            self.sent.duplicates += 1
        self._earlier = said
        self.sent.pictures[SIGNS] += 1

    def _teach(self, picture: Picture, name: str) -> None:
        for operation, answer in picture.answers.items():
            self._rekognition.answers[operation, name] = answer

    def _tell(self, said: str) -> None:
        self._storage.queue(QUEUE).send(said)
        self.sent.images["queue"] += 1

    async def _upload_book(self, number: int) -> None:
        """Upload a book, every third without a barcode, every fourth twice."""
        barcode = number % 3 != 2
        picture = await asyncio.to_thread(draw_book, number, barcode=barcode)
        twice = number % 4 == 1
        for _ in range(1 + twice):
            await self._upload(picture.data, f"book-{number:03}.jpg", expected=(200, 201))
        self.sent.pictures[BOOKS_OF] += 1
        self.sent.duplicates += twice
        self.sent.asked += not barcode

    async def _upload(self, data: bytes, name: str, expected: tuple[int, ...]) -> None:
        token = await asyncio.to_thread(read_token, self._setting.folder)
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self._setting.http}/v1/images"
        query = {"source": BOOKS_OF, "name": name}
        async with (
            asyncio.timeout(UPLOAD_S),
            self._client.post(url, params=query, headers=headers, data=data) as answer,
        ):
            said = await answer.text()
        if answer.status not in (*expected, 202):
            raise HubError(f"POST {url}: {answer.status} {said[:300]}; expected one of {expected}")
        self.sent.images["upload"] += 1

    async def _send_prose(self, _: int) -> None:
        self._tell("this is no JSON")
        self.sent.refused["bad_notification"] += 1

    async def _name_what_is_gone(self, number: int) -> None:
        self._tell(WAYS[0](BUCKET, f"gone/{number}.jpg", "00"))
        self.sent.refused["image_gone"] += 1

    async def _put_prose(self, number: int) -> None:
        key = f"street/notes {number}.jpg"
        self._storage.objects[f"{BUCKET}/{key}"] = NOT_A_PICTURE
        self._tell(json.dumps(json.loads(WAYS[2](BUCKET, key, "00"))))
        self.sent.refused["picture_not_jpeg"] += 1

    async def _upload_prose(self, _: int) -> None:
        await self._upload(NOT_A_PICTURE, "notes.jpg", expected=(415,))
        self.sent.door += 1


def _drop(path: Path, data: bytes) -> None:
    """Write a file under a name that is not looked at, and give it its own when it is whole. Blocks."""
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(data)
    unfinished.rename(path)
