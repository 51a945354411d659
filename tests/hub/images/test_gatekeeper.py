"""A gate before the paid calls of an instance: what it refuses is not asked about, and everything is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.demo.cloud.tf_serving import TfServing

TEXT = {"model": Path("text"), "threads": 1}


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


def gone(folder):
    return sum(len(list((folder / name).glob("*"))) for name in ("done", "kept-back"))


def decisions(gallery):
    return gallery.store.sql("SELECT passed, audit, count(*) FROM gate_decisions GROUP BY 1, 2")


def reported(gallery):
    return gallery.store.sql("SELECT well, text FROM plugin_parts WHERE part = 'gate'")


async def test_refused_picture_is_taken_away_without_being_asked_about(
    running, fill, folder, wait_until, caplog
):
    caplog.set_level("INFO")
    fill(4)
    gates = {"text": TEXT | {"threshold": 1.0, "audit_share": 0}}
    async with running(folder="photos", gate="text", gates=gates) as gallery:
        await wait_until(lambda: gone(folder) == 4)
        await wait_until(lambda: reported(gallery) == [(1, "text: 4 kept back")])
        await wait_until(lambda: caplog.text.count("images.kept_back gallery: ") == 4)
    assert gallery.plugin.seen == []
    assert gallery.events() == []
    assert decisions(gallery) == [(0, 0, 4)]
    assert len(list((folder / "kept-back").glob("*.png"))) == 4
    assert "images.kept_back gallery: 0.png" in caplog.text


async def test_audited_picture_is_asked_about_and_its_event_tells_of_the_gate(
    running, fill, folder, wait_until
):
    fill(3)
    gates = {"text": TEXT | {"threshold": 1.0, "audit_share": 1}}
    async with running(folder="photos", gate="text", gates=gates) as gallery:
        await wait_until(lambda: gone(folder) == 3)
    assert len(gallery.events()) == 3
    assert decisions(gallery) == [(0, 1, 3)]
    (payload,) = gallery.store.sql("SELECT payload FROM messages LIMIT 1")[0]
    assert b'"audit":true' in bytes(payload).replace(b" ", b"")


async def test_refused_picture_that_comes_again_is_not_drawn_for_audit_again(
    running, fill, folder, wait_until
):
    gates = {"text": TEXT | {"threshold": 1.0, "audit_share": 0}}
    for turn in range(1, 3):
        fill(1)
        async with running(folder="photos", gate="text", gates=gates) as gallery:
            await wait_until(lambda: not list(folder.glob("*.png")))
        assert decisions(gallery) == [(0, 0, 1)]
        assert gallery.plugin.seen == []
        gates = {"text": TEXT | {"threshold": 1.0, "audit_share": turn}}


async def test_picture_is_sent_when_the_gate_is_down(running, fill, folder, wait_until):
    fill(2)
    async with TfServing() as serving:
        serving.trouble = "error"
        gates = {"text": {"tf_serving": serving.url, "threshold": 0.5}}
        async with running(folder="photos", gate="text", gates=gates) as gallery:
            await wait_until(lambda: gone(folder) == 2)
            await wait_until(lambda: reported(gallery) and "every picture is sent" in reported(gallery)[0][1])
    assert len(gallery.events()) == 2
    assert gallery.store.sql("SELECT count(*) FROM gate_decisions WHERE score IS NULL") == [(2,)]


async def test_no_picture_is_taken_when_the_gate_is_not_there(running, fill, folder, wait_until):
    fill(1)
    async with running(folder="photos", gate="txt") as gallery:
        await wait_until(lambda: reported(gallery))
    assert "no pictures are taken: there is no [gates.txt]" in reported(gallery)[0][1]
    assert gallery.plugin.seen == []
    assert list(folder.glob("*.png"))
