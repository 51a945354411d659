"""What the page of plugins says of their settings."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"


def test_a_section_names_each_setting_once() -> None:
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    twice = {
        section.splitlines()[0]: [name for name, count in Counter(_settings(section)).items() if count > 1]
        for section in sections[1:]
    }
    assert {name: settings for name, settings in twice.items() if settings} == {}


def _settings(section: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
