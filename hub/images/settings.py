"""The `images` table of an instance: where its pictures come from, and how many are asked about at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from hub.aws import Region
from hub.event import DeviceName, Name, Plain
from hub.images.schedule import next_at

QueueUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+/\S+$", max_length=2000)]
RoleArn = Annotated[str, StringConstraints(pattern=r"^arn:[a-z-]+:iam::\d{12}:role/.+$", max_length=2048)]


def _check_cron(value: str) -> str:
    next_at(value, datetime.now(UTC))
    return value


def _check_folder(path: Path) -> Path:
    if not str(path).isprintable():
        raise ValueError("is no path: it has signs that cannot be printed")
    return path


Cron = Annotated[str, StringConstraints(max_length=200), AfterValidator(_check_cron)]


class Batch(Plain):
    """When a model that costs money while it runs is started; one of `cron` and `backlog`, or both."""

    cron: Cron | None = Field(default=None, description="when to look for work, as cron has it, in UTC")
    backlog: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="start when so many pictures wait"
    )
    max_run_s: Annotated[float, Field(ge=60, le=86_400)] = Field(
        default=14_400.0, description="end after so long, whatever still waits"
    )

    @model_validator(mode="after")
    def _begins_sometime(self) -> Self:
        if self.cron is None and self.backlog is None:
            raise ValueError("needs cron or backlog, or it never begins")
        return self


class Images(Plain):
    """Where an instance with `classify` takes its pictures from."""

    sqs: QueueUrl | None = Field(default=None, description="URL of the queue that S3 notifies")
    region: Region | None = Field(
        default=None, description="of queue and buckets; absent: as AWS is configured"
    )
    profile: str | None = Field(default=None, description="a profile of the AWS configuration files")
    role_arn: RoleArn | None = Field(default=None, description="a role to assume with those credentials")
    endpoint_url: str | None = Field(
        default=None, description="another server than AWS for queue and buckets"
    )
    poison: Literal["quarantine", "leave"] = Field(
        default="quarantine",
        description="what cannot be read is quarantined and deleted, or left for the dead-letter queue",
    )
    ignore: tuple[str, ...] = Field(
        default=(), description="keys that begin so are not classified, such as what s3-archive writes"
    )
    folder: Annotated[Path, AfterValidator(_check_folder)] | None = Field(
        default=None, description="a folder whose pictures are taken"
    )
    taken: Literal["move", "remove"] = Field(
        default="move", description="what becomes of files that were taken: moved to done/, or removed"
    )
    upload: bool = Field(default=False, description="pictures may be sent to POST /v1/images")
    device: DeviceName = Field(default="images", description="whose events they are")
    device_part: Annotated[int, Field(ge=1, le=20)] | None = Field(
        default=None, description="which part of the key or path names the device: 1 is the first folder"
    )
    concurrency: Annotated[int, Field(ge=1, le=256)] = Field(
        default=8, description="how many pictures are asked about at a time"
    )
    gate: Name | None = Field(default=None, description="a [gates.<name>] that a picture must pass first")
    batch: Batch | None = Field(default=None, description="ask only while a model was started for it")
