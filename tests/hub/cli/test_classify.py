"""`lenshub classify` without a hub: pictures become events, what is none is said."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from hub.cli.classify import _complete, _describe
from hub.images.told import Told, not_asked

PLUGIN = """
import asyncio
import time
from pydantic import BaseModel
from hub.event import Detection, NewEvent
from hub.plugin import Decoded, Limit, Reject, RetryLater, hookimpl, read_classified

def let_an_hour_pass():
    loop = asyncio.get_running_loop()
    loop.time = lambda: time.monotonic() + 3600

class Plugin:
    class Settings(BaseModel):
        budget: int = 100

    def __init__(self, settings, context):
        self.budget = settings.budget
        self.tries = 0

    @hookimpl
    async def classify(self, image, calls):
        if image.name == "dark.png":
            raise Reject("too dark")
        if image.name == "late.png":
            if self.tries:
                let_an_hour_pass()
            self.tries += 1
            raise RetryLater(0.1, "nobody answers")
        async def ask():
            return {"bright": 0.75}
        limits = [Limit("budget", "day", count=self.budget)]
        return await calls.ask("brightness", ask, price=0.01, limits=limits)

    @hookimpl
    def decode(self, message):
        seen = read_classified(message)
        found = [Detection(label=k, confidence=v) for k, v in seen.answer.items()]
        event = NewEvent(key=seen.image.key, source=message.source, device=seen.image.device,
                         captured_at=seen.image.captured_at, detections=found)
        return Decoded(events=(event,), picture=seen.image.data)
"""


@pytest.fixture
def photos(folder, install):
    install("gallery", PLUGIN)
    Path("hub.toml").write_text('[mqtt]\n[plugins.gallery]\n[plugins.gallery.images]\ndevice = "desk"\n')
    root = folder / "photos"
    root.mkdir()
    for number in range(3):
        cv2.imwrite(str(root / f"{number}.png"), np.full((8, 8, 3), number, np.uint8))
    return root


def test_pictures_are_stored_and_not_asked_about_again(lenshub, photos):
    for _ in range(2):
        ran = lenshub("classify", "photos", "--source", "gallery", "--json")
        assert ran.exit_code == 0, ran.output
        said = json.loads(ran.stdout)
        assert [(one["state"], one["event"]["device"]) for one in said] == [("stored", "desk")] * 3

    events = json.loads(lenshub("events", "--json").stdout)
    assert len(events) == 3


def test_what_is_refused_is_said_and_ends_with_an_error(lenshub, photos):
    (photos / "page.png").write_text("<html>")
    (photos / "0.png").rename(photos / "dark.png")
    ran = lenshub("classify", "photos", "-s", "gallery")

    assert ran.exit_code == 1
    assert "picture_not_jpeg: 6 bytes of HTML, SVG or XML; send a JPEG or a PNG" in ran.stdout
    assert "rejected: too dark" in ran.stdout
    assert ran.stdout.count("bright 75%") == 2


def test_file_that_is_missing_does_not_stop_the_others(lenshub, photos):
    ran = lenshub("classify", "photos/none.png", "photos/1.png", "photos/2.png", "-s", "gallery", "--json")

    assert ran.exit_code == 1
    said = {one["file"]: (one["state"], one["error"]) for one in json.loads(ran.stdout)}
    assert said["photos/none.png"] == (
        "missing",
        {"code": "file_missing", "reason": "no such file or folder"},
    )
    assert said["photos/1.png"] == said["photos/2.png"] == ("stored", None)


def test_classifier_that_is_down_is_waited_for_until_the_time_is_up(lenshub, photos):
    (photos / "0.png").rename(photos / "late.png")
    ran = lenshub("classify", "photos/late.png", "-s", "gallery", "--timeout", "600", "--json")

    assert ran.exit_code == 1
    assert "not asked about the rest: no answer for 600 s: nobody answers" in ran.stderr
    (said,) = json.loads(ran.stdout)
    assert (said["state"], said["error"]["code"]) == ("not asked", "not_asked")


def test_used_up_budget_ends_it_with_what_was_stored(lenshub, photos):
    Path("hub.toml").write_text("[plugins.gallery]\nbudget = 2\n[plugins.gallery.images]\nconcurrency = 1\n")
    ran = lenshub("classify", "photos", "--source", "gallery")

    assert (ran.exit_code, ran.stdout.count("stored")) == (1, 2)
    assert "not asked about the rest: budget is used up" in ran.stderr


@pytest.mark.parametrize(
    ("source", "problem"),
    [("cups", "there is no plugin 'cups' in hub.toml"), ("s3-archive", "has no classify hook")],
)
def test_instance_that_cannot_be_asked_is_said(lenshub, photos, source, problem):
    with Path("hub.toml").open("a") as file:
        file.write("[plugins.s3-archive]\n")
    ran = lenshub("classify", "photos/1.png", "--source", source)

    assert ran.exit_code == 2
    assert problem in ran.stderr


async def test_hub_that_takes_no_pictures_by_http_is_said(lenshub, photos):
    from hub.store.database import hub_lock

    with hub_lock(Path("lenshub-data")):
        ran = lenshub("classify", "photos/1.png", "--source", "gallery")

    assert ran.exit_code == 1
    assert "the hub runs without [http] listen" in ran.stderr


def test_plugin_that_cannot_start_is_said_in_words(lenshub, photos, install):
    install(
        "late",
        PLUGIN
        + """
    async def __aenter__(self):
        raise ValueError("no such place")

    async def __aexit__(self, *_):
        pass
""",
    )
    Path("hub.toml").write_text("[mqtt]\n[plugins.late]\n")
    ran = lenshub("classify", "photos", "-s", "late")

    assert ran.exit_code == 1
    assert "plugins.late: cannot be started: ValueError: no such place" in ran.output


@pytest.mark.parametrize("region", ["", "../x y", "a b", "-a", "eu_1"])
def test_region_that_is_none_is_refused_before_anything_starts(lenshub, folder, region):
    Path("hub.toml").write_text(
        f'[plugins.rekognition]\nregion = "{region}"\n[plugins.rekognition.images]\nregion = "{region}"\n'
    )
    ran = lenshub("check")

    assert ran.exit_code == 2
    assert "plugins.rekognition.region" in ran.output
    assert "plugins.rekognition.images.region" in ran.output


def test_files_are_told_of_in_the_order_given_whatever_their_names(lenshub, photos):
    names = ["photos/2.png", "photos/none.png", "x" * 300, "photos/0.png"]
    ran = lenshub("classify", *names, "-s", "gallery", "--json")
    said = json.loads(ran.stdout)

    assert ran.exit_code == 1
    assert [one["file"] for one in said] == names
    assert [one["state"] for one in said] == ["stored", "missing", "refused", "stored"]
    assert said[2]["error"] == {"code": "file_unreadable", "reason": "File name too long"}


def test_picture_in_which_nothing_was_found_is_shown_so():
    assert _describe(Told(Path("a.png"), "stored", {"id": 1, "detections": []})) == "nothing"
    assert _describe(Told(Path("a.png"), "kept back")) == ""


def test_file_that_nobody_answered_for_is_told_all_the_same():
    first = Told(Path("a.png"), "stored")

    assert _complete([first], [Path("b.png"), Path("a.png")], "gone") == [
        not_asked(Path("b.png"), "gone"),
        first,
    ]


def test_folder_with_signs_that_no_path_has_is_refused(lenshub, folder):
    Path("hub.toml").write_text('[plugins.rekognition.images]\nfolder = "a\\u0000b"\n')
    ran = lenshub("check")

    assert ran.exit_code == 2
    assert "plugins.rekognition.images.folder: is no path" in " ".join(ran.output.split())
