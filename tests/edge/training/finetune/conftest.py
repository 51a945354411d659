"""Small training sets of what the shipped clips show."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import jax
import numpy as np
import pytest

import edge.demo
from edge.playback import play

CLIPS = Path(edge.demo.__file__).parent
VOWELS = "あいうえお"


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let jax compile the same network once for all tests."""
    jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("jax")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def darken(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what a camera sees at night: a seventh of the light, and much noise."""
    dark = pixels * 0.15 + rng.normal(0, 12, pixels.shape[:2])[:, :, None]
    return np.clip(dark, 0, 255).astype(np.uint8)


def frames_of(clip: str) -> list[np.ndarray]:
    return [shot.pixels for shot in play(CLIPS / clip, 1, 1, threading.Event(), pace=False)]


@pytest.fixture
def hands(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes dark frames of the thumbs-up clip as a COCO set, and returns its folder."""

    def write(name: str = "hands", label: str = "thumbs-up") -> Path:
        root, rng = tmp_path / name, np.random.default_rng(1)
        truth = json.loads((CLIPS / "thumbs.json").read_text())["frames"]
        frames = list(zip(frames_of("thumbs.webm"), truth, strict=True))
        for split, chosen in (("train", frames[:60:5]), ("validation", frames[60::6])):
            images, annotations = [], []
            folder = root / "images" / split
            folder.mkdir(parents=True)
            for number, (pixels, entry) in enumerate(chosen, 1):
                file = f"{split}{number}.png"
                cv2.imwrite(str(folder / file), darken(pixels, rng))
                images.append({"id": number, "file_name": file, "width": 640, "height": 360})
                for box in entry["thumbs_up"]:
                    place = [box["left"] * 640, box["top"] * 360, box["width"] * 640, box["height"] * 360]
                    key = len(annotations) + 1
                    annotations.append({"id": key, "image_id": number, "category_id": 1, "bbox": place})
            content = {
                "images": images,
                "annotations": annotations,
                "categories": [{"id": 1, "name": label}],
            }
            (root / "annotations").mkdir(exist_ok=True)
            (root / "annotations" / f"instances_{split}.json").write_text(json.dumps(content))
        return root

    return write


@pytest.fixture
def cards(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes frames of the hiragana clip, upside down, as folders of pictures."""

    def write(rename: dict[str, str] | None = None) -> Path:
        root = tmp_path / "cards"
        truth = json.loads((CLIPS / "hiragana.json").read_text())["frames"]
        whole = [
            (pixels[::-1, ::-1], entry["shows"])
            for pixels, entry in zip(frames_of("hiragana.webm"), truth, strict=True)
            if entry["whole"] and entry["shows"] in VOWELS
        ]
        for number, (pixels, shows) in enumerate(whole):
            split = "validation" if number % 4 == 0 else "train"
            folder = root / split / (rename or {}).get(shows, shows)
            folder.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / f"{number}.png"), pixels)
        return root

    return write
