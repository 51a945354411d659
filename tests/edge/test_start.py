"""What every command does first: find the configuration and read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.start import find_config, read_given
from hub.errors import ConfigError


def test_config_is_the_one_in_this_folder_when_none_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(None) is None
    (tmp_path / "agent.toml").touch()
    assert find_config(None) == Path("agent.toml")
    assert find_config(Path("other.toml")) == Path("other.toml")


def test_config_takes_only_what_was_given_over_the_file(tmp_path):
    (tmp_path / "agent.toml").write_text("[agent]\ndevice = 'cam-1'\n[camera]\nevery = 3\n")
    overrides = {"agent": {"device": None}, "camera": {"every": None, "source": "0"}, "model": {"path": None}}
    config = read_given(tmp_path / "agent.toml", overrides)
    assert (config.agent.device, config.camera.every, config.camera.source) == ("cam-1", 3, "0")


def test_config_is_asked_for_when_there_is_none_and_no_device_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"agent\.toml: there is none here \(give --config FILE"):
        read_given(None, {"camera": {"source": "0"}})
    assert read_given(None, {"agent": {"device": "cam-1"}}).agent.device == "cam-1"
