"""docs/images.md: its tables are configuration, and every setting is in it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from hub.config import Config
from hub.dispatch.instance import InstanceSettings
from hub.images.http_settings import HttpSettings
from hub.images.settings import Batch, Images

TEXT = (Path(__file__).parents[2] / "docs" / "images.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL))
def test_tables_of_the_docs_are_configuration(example):
    config = Config.model_validate(tomllib.loads(example))
    for table in config.plugins.values():
        InstanceSettings.model_validate(table)


def test_every_setting_is_in_the_docs():
    section = TEXT.split("\n## Settings\n")[1]
    named = set(re.findall(r"`(\w+)`", section))

    assert set(Images.model_fields) | set(HttpSettings.model_fields) | set(Batch.model_fields) <= named
