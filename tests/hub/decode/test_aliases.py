from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from hub.decode.aliases import Alias, AliasTable


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe", "a\x00b", "x" * 5000])
def test_alias_is_refused_when_its_zone_is_unknown(zone: str) -> None:
    with pytest.raises(ValidationError, match="unknown time zone"):
        Alias(device="Seattle01", timezone=zone)


def test_alias_table_allows_two_things_one_device() -> None:
    old, new = Alias(device="Seattle01"), Alias(device="Seattle01", timezone="Asia/Tokyo")
    table = AliasTable({"old": old, "new": new}, ZoneInfo("UTC"))
    assert not table.is_another("old", "Seattle01")
    assert (table.zone_of("old").key, table.zone_of("new").key) == ("UTC", "Asia/Tokyo")
