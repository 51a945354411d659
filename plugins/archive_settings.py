"""The settings of s3-archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from hub.event import Event
from plugins.archive_compression import Compression
from plugins.archive_keys import KeyTemplates, LayoutName
from plugins.place_settings import PlaceSettings


class ArchiveSettings(PlaceSettings):
    """Where the archive is, a folder or a bucket, how it is laid out, and what it holds."""

    folder: Path = Field(
        default=Path("archive"), description="the archive is this folder; not together with bucket"
    )
    layout: LayoutName = Field(
        default="published",
        description="where objects lie; to change it, begin a new table with another prefix or folder",
    )
    keys: KeyTemplates = Field(
        default=KeyTemplates(),
        description="templates in place of the layout's; to change them, begin a new table as with layout",
    )
    boxes: bool = Field(
        default=True, description="also keep the frame with boxes drawn, which costs the most time"
    )
    batches: Compression | None = Field(
        default=None, description="also keep records in batches, as JSON Lines packed so"
    )
    batch_every_s: Annotated[float, Field(ge=1, le=86_400)] = Field(
        default=300.0, description="how often batches are brought up to date, in seconds"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = self.model_fields_set
        if self.batches is None and "batch_every_s" in given:
            raise ValueError("batch_every_s needs batches")
        self.keys.complete(self.layout)
        return self

    def preview(self, event: Event) -> Mapping[str, str]:
        """Return what `lenshub template try --plugin` shows: the event's keys."""
        keys = self.keys.complete(self.layout).keys(event)
        return {name: key for name, key in asdict(keys).items() if key}
