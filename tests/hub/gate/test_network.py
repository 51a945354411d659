"""The shipped gate runs in the hub: JPEGs of any size, many callers, and what is no picture."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from hub.errors import ConfigError, PayloadError
from hub.gate.card import SHIPPED, find_model, is_shipped, read_card
from hub.gate.network import GateNetwork
from hub.gate.pixels import read_pixels

TEXT = Path("text")


def encode(side: int, seed: int = 1, kind: str = ".jpg") -> bytes:
    small = np.random.default_rng(seed).integers(0, 255, (7, 9, 3), np.uint8)
    return bytes(cv2.imencode(kind, cv2.resize(small, (side * 4 // 3, side)))[1])


@pytest.fixture
async def network():
    async with GateNetwork(TEXT, 2) as network:
        yield network


async def test_network_answers_many_callers_each_with_its_own_score(network):
    pictures = [encode(224, seed) for seed in range(20)]
    alone = [await network.score(data, 298, 224) for data in pictures]
    together = await asyncio.gather(*(network.score(data, 298, 224) for data in pictures))
    assert together == pytest.approx(alone, abs=0.02)
    assert len({round(score, 6) for score in alone}) > 10
    assert all(0 <= score <= 1 for score in alone)


async def test_network_answers_the_others_when_one_is_no_picture(network):
    good, bad = encode(224), b"\xff\xd8 no picture"
    found = await asyncio.gather(
        *(network.score(data, 0, 0) for data in (good, bad, good, b"", good)), return_exceptions=True
    )
    assert [type(one) for one in found] == [float, PayloadError, float, PayloadError, float]


async def test_network_serves_others_after_a_caller_went_away(network):
    waiting = [asyncio.create_task(network.score(encode(224, n), 0, 0)) for n in range(12)]
    await asyncio.sleep(0)
    for task in waiting[::2]:
        task.cancel()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(one, float) for one in found) == 6
    assert isinstance(await network.score(encode(224), 0, 0), float)


@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_pixels_of_a_large_picture_are_nearly_those_of_it_whole(kind):
    card = read_card(SHIPPED / TEXT)
    data = encode(1800, kind=kind)
    reduced, whole = read_pixels(data, 2400, 1800, card), read_pixels(data, 0, 0, card)
    assert reduced.shape == whole.shape == (1, 3, 224, 224)
    assert float(np.abs(reduced - whole).mean()) < 0.02
    assert whole.min() >= -1
    assert whole.max() <= 1


def test_pixels_are_red_green_blue_from_minus_one_to_one():
    red = np.zeros((50, 50, 3), np.uint8)
    red[:, :, 2] = 255
    found = read_pixels(bytes(cv2.imencode(".png", red)[1]), 50, 50, read_card(SHIPPED / TEXT))
    assert found[0, :, 100, 100] == pytest.approx([1, -1, -1], abs=1e-3)


def test_model_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(ConfigError, match=r"has no model.xml, and is no shipped model \(text\)"):
        find_model(tmp_path)
    assert is_shipped(TEXT)
    assert not is_shipped(Path("../text"))


def test_card_with_a_wrong_value_is_refused_by_name(tmp_path):
    (tmp_path / "model.toml").write_text('name = "x"\nversion = "1"\nthreshold = 2\n')
    with pytest.raises(ConfigError, match="threshold"):
        read_card(tmp_path)


async def test_network_that_is_no_network_is_a_configuration_error(tmp_path):
    shutil.copy(SHIPPED / TEXT / "model.toml", tmp_path)
    (tmp_path / "model.xml").write_text("<net/>")
    with pytest.raises(ConfigError, match=r"model.xml: cannot be used"):
        async with GateNetwork(tmp_path, 1):
            pass
