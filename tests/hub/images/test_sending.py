"""Files sent to a running hub, over its HTTP door."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from hub.config import Config
from hub.errors import HubError
from hub.images.door import Door
from hub.images.sending import send_files
from hub.plugin import RetryLater


@pytest.fixture
def config(store, free_port):
    return Config(hub={"data_dir": store.data_dir}, http={"listen": f"127.0.0.1:{free_port}", "wait_s": 0})


@pytest.fixture
def door_of(store, config, wait_until):
    """A function that opens the door to what is running, for a while."""

    @asynccontextmanager
    async def opened(gallery):
        await wait_until(lambda: gallery.companion.uploads)
        limits = gallery.companion.decoders.limits
        door = Door(store.data_dir, gallery.companion.uploads, store.log, lambda: limits)
        await door.open(config.http)
        yield
        await door.close()

    return opened


async def test_files_are_told_of_once_they_are_stored(running, door_of, config, picture, tmp_path):
    async def behave(image, calls):
        await asyncio.sleep(0.05)
        return {"bright": 0.5}

    (tmp_path / "a.png").write_bytes(picture(1))
    (tmp_path / "b.png").write_bytes(b"<html>")
    told = []
    async with running(behave, upload=True) as gallery, door_of(gallery):
        paths = [tmp_path / name for name in ("a.png", "b.png", "none.png")]
        await send_files(config, "gallery", paths, told.append, 60)

    found = {one.path.name: (one.state, (one.error or {}).get("code")) for one in told}
    assert found == {
        "a.png": ("stored", None),
        "b.png": ("refused", "picture_not_jpeg"),
        "none.png": ("refused", "file_unreadable"),
    }


async def test_pictures_that_wait_too_long_are_told_as_the_hub_has_them(
    running, door_of, config, picture, tmp_path, monkeypatch, wait_until, skip
):
    monkeypatch.setattr("hub.images.sending.AT_A_TIME", 2)

    async def behave(image, calls):
        raise RetryLater(3600, "the far side is down")

    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(picture(number))
    told = []
    async with running(behave, upload=True) as gallery, door_of(gallery):
        channel, _ = gallery.companion.uploads["gallery"]
        sending = asyncio.create_task(send_files(config, "gallery", paths, told.append, 60))

        async def are_kept():
            return await channel.backlog() == 2

        await wait_until(are_kept)
        skip(60)
        with pytest.raises(HubError, match=r"no answer for 60 s: the hub has 2 of the pictures and goes on"):
            await sending

    assert [(one.path.name, one.state, one.error["code"]) for one in told] == [
        ("0.png", "waiting", "waiting"),
        ("1.png", "waiting", "waiting"),
        ("2.png", "not asked", "not_asked"),
    ]


async def test_hub_that_cannot_be_reached_is_said(config, picture, tmp_path):
    (tmp_path / "a.png").write_bytes(picture(1))
    with pytest.raises(HubError, match="the hub cannot be reached at http://127"):
        await send_files(config, "gallery", [tmp_path / "a.png"], print, 60)


async def test_pictures_that_were_sent_are_told_as_waiting_when_the_command_is_ended(
    running, door_of, config, picture, tmp_path, wait_until
):
    async def behave(image, calls):
        raise RetryLater(3600, "the far side is down")

    (tmp_path / "a.png").write_bytes(picture(1))
    told = []
    async with running(behave, upload=True) as gallery, door_of(gallery):
        sending = asyncio.create_task(send_files(config, "gallery", [tmp_path / "a.png"], told.append, 60))
        await wait_until(lambda: gallery.plugin.seen)
        sending.cancel()
        await asyncio.wait([sending])

    assert [(one.state, one.error["code"]) for one in told] == [("waiting", "waiting")]
