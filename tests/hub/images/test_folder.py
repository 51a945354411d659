"""A watched folder: each picture becomes one event, and is then where its owner finds it."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import replace

import pytest

from hub.decode.limits import Limits
from hub.images.folder import FolderChannel
from hub.images.offer import Outcome
from hub.images.settings import Images
from hub.plugin import Reject
from hub.store.quarantine import read_message


@pytest.fixture
def folder(store):
    root = store.data_dir / "photos"
    root.mkdir()
    return root


def left(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


async def test_pictures_become_events_and_are_moved(running, folder, picture, wait_until):
    for number in range(30):
        (folder / f"{number}.png").write_bytes(picture(number))
    async with running(folder="photos", device="hall") as gallery:
        await wait_until(lambda: len(left(folder / "done")) == 30)

    assert {device for _, device in gallery.events()} == {"hall"}
    assert len(gallery.events()) == 30
    assert len(list((gallery.store.data_dir / "frames").rglob("*.png"))) == 30
    assert left(folder) == sorted(f"done/{number}.png" for number in range(30))


async def test_device_is_named_by_a_part_of_the_path(running, folder, picture, wait_until):
    for number, place in enumerate(["porch/2026", "not a device", "."]):
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / "a.png").write_bytes(picture(number))
    async with running(folder="photos", device="hall", device_part=1, taken="remove") as gallery:
        await wait_until(lambda: not left(folder))

    assert sorted(device for _, device in gallery.events()) == ["hall", "hall", "porch"]


async def test_picture_that_comes_again_is_not_asked_about(running, folder, picture, wait_until):
    (folder / "a.png").write_bytes(picture())
    (folder / "b.png").write_bytes(picture())
    async with running(folder="photos") as gallery:
        await wait_until(lambda: len(left(folder / "done")) == 2)
        (folder / "a.png").write_bytes(picture())
        await wait_until(lambda: left(folder) == ["done/a-2.png", "done/a.png", "done/b.png"])

    assert len(gallery.events()) == len(gallery.plugin.seen) == 1


async def test_file_that_is_put_away_while_the_folder_is_listed_is_not_offered_again(folder, picture, soon):
    listed, go_on = threading.Event(), threading.Event()

    class Slow(FolderChannel):
        def _list(self):
            found = super()._list()
            listed.set()
            go_on.wait(60)
            return found

    (folder / "a.png").write_bytes(picture(1))
    go_on.set()
    channel = Slow("gallery", folder, Images(folder="photos"), Limits)
    offer = await soon(channel.next())
    (folder / "b.png").write_bytes(picture(2))
    listed.clear()
    go_on.clear()
    following = asyncio.create_task(channel.next())
    await asyncio.to_thread(listed.wait, 60)
    await offer.settle(Outcome("", "stored"))
    go_on.set()

    assert (await soon(following)).origin.name == "b.png"


async def test_what_is_no_picture_is_refused_and_kept(running, folder, picture, wait_until):
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "page.html").write_bytes(b"<html>")
    (folder / "big.png").write_bytes(picture() + b"\0" * 5000)
    (folder / "good.png").write_bytes(picture())
    (folder / ".hidden").write_bytes(b"no")
    (folder / "half.png.part").write_bytes(b"no")
    (folder / "away.png").symlink_to("good.png")
    async with running(folder="photos", limits={"max_picture_bytes": 4000}) as gallery:
        await wait_until(lambda: len(gallery.refused()) == 3 and len(left(folder / "refused")) == 3)
        await wait_until((folder / "done/good.png").exists)

    assert sorted(gallery.refused()) == [
        ("picture_empty", "empty.jpg"),
        ("picture_not_jpeg", "page.html"),
        ("picture_too_large", "big.png"),
    ]
    assert len(gallery.events()) == 1


async def test_rejected_picture_is_kept_in_quarantine_with_the_reason(running, folder, picture, wait_until):
    async def behave(image, calls):
        raise Reject("nothing to see")

    (folder / "a.png").write_bytes(picture())
    async with running(behave, folder="photos") as gallery:
        await wait_until((folder / "refused/a.png").exists)

    ((reason, payload),) = gallery.store.sql("SELECT reason, payload FROM quarantine")
    assert (gallery.refused(), reason) == ([("rejected", "a.png")], "nothing to see")
    assert payload.endswith(picture())


async def test_file_is_taken_only_when_it_is_no_longer_written(running, folder, picture, wait_until):
    data = picture()
    async with running(folder="photos") as gallery:
        with (folder / "slow.png").open("wb") as file:
            for byte in data:
                file.write(bytes([byte]))
                file.flush()
        os.utime(folder / "slow.png")
        await wait_until(lambda: len(gallery.events()) == 1)

    assert gallery.refused() == []


async def test_links_and_pipes_are_named_once_and_not_taken(running, folder, picture, wait_until, caplog):
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere/c.png").write_bytes(picture(1))
    (folder / "link.png").symlink_to(folder.parent / "elsewhere/c.png")
    (folder / "album").symlink_to(folder.parent / "elsewhere")
    os.mkfifo(folder / "pipe.png")
    async with running(folder="photos") as gallery:
        for number in (2, 3):
            (folder / f"{number}.png").write_bytes(picture(number))
            await wait_until((folder / f"done/{number}.png").exists)

    said = sorted(r.getMessage() for r in caplog.records if "not_taken" in r.getMessage())
    assert [line.split(":")[1] for line in said] == [" album", " link.png", " pipe.png"]
    assert gallery.plugin.seen == ["2.png", "3.png"]


async def test_refused_picture_is_named_in_the_log_with_its_code(running, folder, wait_until, caplog):
    caplog.set_level("INFO")
    (folder / "page.html").write_bytes(b"<html>")
    async with running(folder="photos") as gallery:
        await wait_until(gallery.refused)
        await wait_until((folder / "refused/page.html").exists)
        await wait_until(lambda: "images.refused" in caplog.text)

    (line,) = [r.getMessage() for r in caplog.records if r.getMessage().startswith("images.refused")]
    assert line.startswith("images.refused gallery: page.html: picture_not_jpeg: 6 bytes of HTML")


async def test_name_that_is_no_utf_8_does_not_cost_the_picture(running, folder, picture, wait_until):
    (folder / os.fsdecode(b"bad\xff\xfe.png")).write_bytes(picture())
    async with running(folder="photos") as gallery:
        await wait_until(lambda: len(left(folder / "done")) == 1)

    assert [os.fsencode(path.name) for path in (folder / "done").iterdir()] == [b"bad\xff\xfe.png"]
    assert (len(gallery.events()), gallery.refused()) == (1, [])
    assert gallery.plugin.seen == ["bad??.png"]


async def test_event_says_which_picture_it_is_of(running, folder, picture, wait_until):
    (folder / "hall").mkdir()
    (folder / "hall/a.png").write_bytes(picture())
    async with running(folder="photos") as gallery:
        await wait_until((folder / "done/hall/a.png").exists)
        (event,) = await gallery.store.log.by_ids([1])

        assert event.attributes == {"picture": "hall/a.png"}


async def test_event_that_is_read_again_out_of_quarantine_says_it_too(running, folder, picture, wait_until):
    (folder / "a.png").write_bytes(picture())
    async with running(lambda *_: answer_text(), folder="photos") as gallery:
        await wait_until(gallery.refused)
        found = await read_message(gallery.store.engine, 1)
        again = gallery.companion.decoders.decode("gallery", replace_answer(found[0]))

    assert [event.attributes for event in again.events] == [{"picture": "a.png"}]


async def answer_text():
    return {"bright": "very"}


def replace_answer(message):
    return replace(message, payload=message.payload.replace(b'"very"', b"0.5"))
