"""A desk pays once for a picture, waits where it must, and lets no picture stop the others."""

from __future__ import annotations

import asyncio

import pytest

from hub.images.check import check_image
from hub.plugin import Limit, RetryLater


@pytest.fixture
def folder(store):
    root = store.data_dir / "photos"
    root.mkdir()
    return root


@pytest.fixture
def fill(folder, picture):
    def put(count):
        for number in range(count):
            (folder / f"{number}.png").write_bytes(picture(number))

    return put


def done(folder):
    return len(list((folder / "done").glob("*"))) if (folder / "done").exists() else 0


def spent(gallery):
    return gallery.store.sql("SELECT count(*), round(sum(price), 6) FROM calls")[0]


async def test_answer_is_not_paid_for_again_when_a_later_call_fails(running, fill, folder, wait_until):
    asked = []

    async def behave(image, calls):
        async def look(operation):
            asked.append(operation)
            if operation == "text" and asked.count("text") < 3:
                raise RetryLater(0, "throttled")
            return {operation: 0.5}

        labels = await calls.ask("labels", lambda: look("labels"), price=0.001)
        return labels | await calls.ask("text", lambda: look("text"), price=0.001)

    fill(1)
    async with running(behave, folder="photos") as gallery:
        await wait_until(lambda: done(folder) == 1)
        await wait_until(lambda: gallery.store.sql("SELECT 1 FROM calls WHERE answer IS NULL") == [(1,)] * 2)

    assert asked == ["labels", "text", "text", "text"]
    assert spent(gallery) == (2, 0.002)


async def test_answer_is_not_paid_for_again_after_a_restart(running, fill, folder, wait_until, monkeypatch):
    monkeypatch.setattr("hub.images.source.FINISH_S", 0.1)
    asked, stuck = [], asyncio.Event()

    async def pay():
        asked.append(1)
        return {"bright": 0.5}

    async def behave(image, calls):
        answer = await calls.ask("labels", pay, price=0.001)
        stuck.set()
        await asyncio.Event().wait()
        return answer

    async def behave_again(image, calls):
        return await calls.ask("labels", pay, price=0.001)

    fill(1)
    async with running(behave, folder="photos"):
        await stuck.wait()
    async with running(behave_again, folder="photos") as gallery:
        await wait_until(lambda: done(folder) == 1)

    assert (len(asked), spent(gallery)) == (1, (1, 0.001))


async def test_call_under_way_when_the_instance_stops_is_waited_for_and_not_paid_again(
    running, fill, folder, wait_until, monkeypatch
):
    monkeypatch.setattr("hub.images.source.FINISH_S", 60)
    asked, going, may_end = [], asyncio.Event(), asyncio.Event()

    async def pay():
        asked.append(1)
        going.set()
        await may_end.wait()
        return {"bright": 0.5}

    async def behave(image, calls):
        return await calls.ask("labels", pay, price=0.001)

    fill(1)
    async with running(behave, folder="photos"):
        await going.wait()
        asyncio.get_running_loop().call_later(0.2, may_end.set)
    async with running(behave, folder="photos") as gallery:
        await wait_until(lambda: done(folder) == 1)

    assert (len(asked), spent(gallery)) == (1, (1, 0.001))


async def test_picture_that_waits_for_others_does_not_use_up_its_time(
    running, fill, folder, wait_until, skip
):
    async def pay():
        await asyncio.sleep(0.1)  # in which the others come to wait
        skip(6)
        return {"bright": 0.5}

    async def behave(image, calls):
        return await calls.ask("labels", pay, price=0.001)

    fill(5)
    async with running(behave, folder="photos", concurrency=1, timeout_s=20) as gallery:
        await wait_until(lambda: done(folder) == 5)

    assert spent(gallery) == (5, 0.005)


async def test_same_picture_is_asked_about_once_when_it_is_offered_twice(
    running, folder, picture, wait_until
):
    async def behave(image, calls):
        await asyncio.sleep(0.2)
        return {"bright": 0.5}

    for number in range(5):
        (folder / f"{number}.png").write_bytes(picture())
    async with running(behave, folder="photos") as gallery:
        await wait_until(lambda: done(folder) == 5)

    assert len(gallery.events()) == len(gallery.plugin.seen) == 1


async def test_no_more_pictures_are_asked_about_at_a_time_than_configured(running, fill, folder, wait_until):
    now, most, full = [], [], asyncio.Event()

    async def behave(image, calls):
        now.append(1)
        most.append(len(now))
        if len(now) == 3:
            full.set()
        await full.wait()
        await asyncio.sleep(0.02)
        now.pop()
        return {}

    fill(30)
    async with running(behave, folder="photos", concurrency=3):
        await wait_until(lambda: done(folder) == 30)

    assert max(most) == 3


async def test_far_side_that_is_out_is_asked_by_one_at_a_time(running, fill, folder, wait_until, monkeypatch):
    monkeypatch.setattr("hub.images.patience.FIRST_S", 0.01)
    asked, out = [], True

    async def behave(image, calls):
        asked.append(image.name)
        if out:
            raise RetryLater(0.01, "503")
        return {}

    fill(20)
    async with running(behave, folder="photos", concurrency=4) as gallery:
        await wait_until(lambda: len(asked) >= 5)
        await wait_until(lambda: "a moment: 503" in gallery.said())
        out = False
        await wait_until(lambda: done(folder) == 20)

    assert len(asked) < 40
    assert gallery.refused() == []


async def test_used_up_budget_pauses_the_intake_and_is_told(running, fill, folder, wait_until):
    async def behave(image, calls):
        async def call():
            return {"bright": 0.5}

        limits = [Limit("budget_usd_per_day", "day", amount=0.005)]
        return await calls.ask("labels", call, price=0.001, limits=limits)

    fill(9)
    async with running(behave, folder="photos", concurrency=2) as gallery:
        await wait_until(lambda: "about 24 hours: budget_usd_per_day is used up" in gallery.said())
        await wait_until(lambda: len(gallery.events()) == 5)

    assert spent(gallery) == (5, 0.005)
    assert gallery.refused() == []
    async with running(behave, folder="photos") as gallery:  # the ledger remembers
        await wait_until(lambda: "budget_usd_per_day is used up" in gallery.said())
    assert len(gallery.events()) == 5


async def test_picture_that_fails_always_is_refused_and_stops_no_other(
    running, fill, folder, wait_until, monkeypatch
):
    monkeypatch.setattr("hub.images.patience.FIRST_S", 0.001)

    async def behave(image, calls):
        if image.name == "3.png":
            raise KeyError("no such class")
        return {}

    fill(8)
    async with running(behave, folder="photos") as gallery:
        await wait_until(lambda: done(folder) == 7 and gallery.refused())

    assert gallery.refused() == [("classify_failed", "3.png")]
    assert gallery.plugin.seen.count("3.png") == 10


@pytest.mark.parametrize("answer", [float("nan"), {1, 2}, "x" * 300_000])
async def test_answer_that_cannot_be_kept_is_refused(running, fill, wait_until, answer):
    async def behave(image, calls):
        return {"bright": answer}

    fill(1)
    async with running(behave, folder="photos") as gallery:
        await wait_until(gallery.refused)

    assert gallery.refused() == [("too_large" if isinstance(answer, str) else "bad_answer", "0.png")]


async def test_answer_that_decode_cannot_read_is_refused_and_not_paid_for_again(
    running, fill, folder, picture, wait_until
):
    async def behave(image, calls):
        async def call():
            return {"bright": "very"}

        return await calls.ask("labels", call, price=0.001)

    fill(1)
    async with running(behave, folder="photos") as gallery:
        await wait_until((folder / "refused/0.png").exists)
        fill(1)
        await wait_until((folder / "refused/0-2.png").exists)

    assert [code for code, _ in gallery.refused()] == ["decoder_failed"] * 2
    assert spent(gallery) == (1, 0.001)


async def test_picture_that_the_hub_fails_with_is_refused_and_ends_no_channel(
    running, fill, folder, picture, wait_until, monkeypatch, caplog
):
    def check(data, limits):
        if data == picture(1):
            raise RuntimeError("nobody foresaw it")
        return check_image(data, limits)

    monkeypatch.setattr("hub.images.desk.check_image", check)
    fill(3)
    async with running(folder="photos") as gallery:
        await wait_until(lambda: done(folder) == 2 and gallery.refused())
        await wait_until((folder / "refused/1.png").exists)

    assert gallery.refused() == [("not_readable", "1.png")]
    assert gallery.store.sql("SELECT payload FROM quarantine")[0][0].endswith(picture(1))
    assert "images.failed gallery: 1.png" in caplog.text
    assert "source.failing" not in caplog.text
