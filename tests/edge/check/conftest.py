"""What the tests of the check share: a configuration that is right, and little patience."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.check import login, network
from edge.check.check import check_agent
from edge.config import AgentConfig


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    """A folder with a noisy picture, which makes a JPEG of about 200 KB."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3)).astype(np.uint8)
    cv2.imwrite(str(folder / "one.png"), noise)
    return folder


@pytest.fixture
def make_config(tmp_path: Path, picture_folder: Path, free_port: int) -> Callable[..., AgentConfig]:
    """A function from tables to a configuration; not given: right, but for a hub; None: left out."""

    def make(**tables: Any) -> AgentConfig:
        given: dict[str, dict[str, Any]] = {
            "agent": {"device": "cam-1", "spool": tmp_path / "spool.db", "quota_bytes": 2**20},
            "broker": {"url": f"mqtt://127.0.0.1:{free_port}"},
            "camera": {"source": str(picture_folder)},
        }
        merged = {name: {**given[name], **(tables.get(name) or {})} for name in given}
        wanted = {name: merged.get(name, tables.get(name)) for name in {*given, *tables}}
        return AgentConfig.model_validate(
            {name: table for name, table in wanted.items() if tables.get(name, {}) is not None}
        )

    return make


@pytest.fixture
def look(make_config: Callable[..., AgentConfig]) -> Callable[..., Any]:
    """A function that checks a configuration, and returns (part, state, text) of each finding."""

    async def check(**tables: Any) -> list[tuple[str, str, str]]:
        found = await check_agent(make_config(**tables))
        return [(finding.part, finding.state, finding.text) for finding in found]

    return check


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker and a hub that are slow because the machine is busy are waited for."""
    monkeypatch.setattr(login, "PUBACK_S", 60.0)
    monkeypatch.setattr(login, "ANSWER_S", 60.0)
    monkeypatch.setattr(network, "CONNECT_S", 60.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, patient: None) -> None:
    """The wait for a silent hub is short."""
    monkeypatch.setattr(login, "ANSWER_S", 1.0)
