"""Golden pairs: tests/payloads/<decoder>/<case>.payload as received, <case>.json as decoded."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.decode.aliases import Alias
from hub.decode.frigate import FrigateSettings
from hub.decode.limits import Limits
from hub.decode.message import Message
from hub.decode.registry import DECODER_NAMES, Decoders
from hub.decode.report import report

ROOT = Path(__file__).parents[3]
PAYLOADS = ROOT / "tests" / "payloads"
PAIRS = sorted(PAYLOADS.glob("*/*.json"))
CODES_WITHOUT_A_SMALL_PAYLOAD = {"too_large", "picture_too_large", "picture_too_complex", "decoder_bug"}
CODES_OF_PICTURES = {"picture_animated"}  # shown in test_picture.py
CODES_OF_PLUGINS = {"decoder_failed", "key_conflict", "no_decoder", "nothing_to_amend"}


def decode_pair(path: Path) -> tuple[dict[str, Any], Any]:
    """Return (what the payload decodes to, what the pair expects)."""
    pair = json.loads(path.read_text())
    aliases = {thing: Alias.model_validate(alias) for thing, alias in pair.get("aliases", {}).items()}
    cameras = FrigateSettings.model_validate(pair.get("frigate", {}))
    decoders = Decoders(aliases, ZoneInfo(pair.get("timezone", "UTC")), Limits(), cameras)
    payload = path.with_suffix(".payload").read_bytes()
    received_at = datetime.fromisoformat(pair["received_at"])
    message = Message("mqtt", pair["topic"], payload, received_at)
    return report(decoders.decode(path.parent.name, message)), pair["expected"]


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_payload_decodes_as_its_pair_says(path: Path) -> None:
    decoded, expected = decode_pair(path)
    assert decoded == expected


def test_every_payload_has_a_pair_and_every_decoder_has_payloads() -> None:
    assert {path.with_suffix("") for path in PAYLOADS.glob("*/*.payload")} == {
        path.with_suffix("") for path in PAIRS
    }
    assert {path.name for path in PAYLOADS.iterdir()} == set(DECODER_NAMES)


def test_reference_lists_exactly_the_codes_that_payloads_show() -> None:
    reference = (ROOT / "docs" / "payloads.md").read_text()
    section = reference.partition("## Codes")[2].partition("## Limits")[0]
    listed = set(re.findall(r"^\| `([a-z0-9_]+)` \|", section, re.MULTILINE))
    shown = {error["code"] for path in PAIRS for error in json.loads(path.read_text())["expected"]["errors"]}
    assert listed == shown | CODES_WITHOUT_A_SMALL_PAYLOAD | CODES_OF_PLUGINS | CODES_OF_PICTURES
