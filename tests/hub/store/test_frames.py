"""The frame store keeps bytes as they came, inside its folder."""

from __future__ import annotations

import hashlib

import pytest

from hub.event import Frame
from hub.store.frames import FrameStore


@pytest.fixture
def frame(jpeg):
    return Frame(digest=hashlib.sha256(jpeg).hexdigest(), width=64, height=48, media_type="image/jpeg")


@pytest.fixture
def frames(tmp_path):
    return FrameStore(tmp_path / "frames")


def test_frame_store_keeps_the_bytes(frames, frame, jpeg):
    frames.add_all([("porch", frame, jpeg)])

    assert frames.path("porch", frame).read_bytes() == jpeg


def test_frame_store_writes_a_frame_once(frames, frame, jpeg):
    frames.add_all([("porch", frame, jpeg)])
    before = frames.path("porch", frame).stat()
    frames.add_all([("porch", frame, jpeg), ("porch", frame, jpeg)])

    assert frames.path("porch", frame).stat().st_mtime_ns == before.st_mtime_ns


def test_frame_store_keeps_many_at_once(frames, frame, jpeg):
    digests = [f"{number:064x}" for number in range(40)]
    frames.add_all([("porch", frame.model_copy(update={"digest": digest}), jpeg) for digest in digests * 2])

    assert [path.stem for path in sorted(frames.root.rglob("*.jpg"))] == digests
    assert list(frames.root.rglob("*.partial")) == []


def test_frame_store_keeps_devices_apart(frames, frame, jpeg):
    frames.add_all([("porch", frame, jpeg), ("attic", frame, jpeg)])

    assert len(list(frames.root.rglob("*.jpg"))) == 2
    assert list(frames.root.rglob("*.partial")) == []


@pytest.mark.parametrize("device", ["..", "../x", "/etc", "a/b", "", ".hidden", "porch\n", "a" * 65, "a\x00"])
def test_frame_store_refuses_a_device_that_could_lead_out_of_its_folder(frames, frame, device):
    with pytest.raises(ValueError, match="not a device name"):
        frames.path(device, frame)


def test_frame_store_keeps_every_path_inside_its_folder(frames, frame):
    path = frames.path("a..b", frame)

    assert frames.root.resolve() in path.resolve().parents


def test_frame_store_raises_when_the_folder_cannot_be_written(frames, frame, jpeg):
    frames.root.write_text("a file stands in its place")

    with pytest.raises(OSError, match=r"frames"):
        frames.add_all([("porch", frame, jpeg)])
