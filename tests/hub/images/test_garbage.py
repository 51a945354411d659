"""A picture is let go of when it is settled, without the garbage collector."""

from __future__ import annotations

import gc

from hub.decode.message import Message
from hub.images.image import Image


async def test_pictures_stored_or_refused_are_let_go_of_at_once(running, store, picture, wait_until):
    photos = store.data_dir / "photos"
    photos.mkdir()
    async with running(folder="photos") as gallery:

        async def take_in(*numbers: int) -> None:
            for number in numbers:
                (photos / f"{number}.png").write_bytes(picture(number))
                (photos / f"{number}.jpg").write_bytes(b"no picture %d" % number)
            await wait_until(lambda: len(list(photos.glob("*/*.*g"))) == 2 * (numbers[-1] + 1))

        def alive() -> int:
            return sum(issubclass(type(one), Image | Message) for one in gc.get_objects())

        await take_in(0)
        gc.collect()
        gc.disable()
        earlier = alive()  # with those that other tests keep
        try:
            await take_in(*range(1, 41))
            await take_in(41)  # the last batch is held until the next
            await wait_until(lambda: alive() - earlier < 8)
        finally:
            gc.enable()

    assert len(gallery.events()) == len(gallery.refused()) == 42
