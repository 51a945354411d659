"""The settings of s3-archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from hub.aws import Access
from hub.event import Event
from plugins.archive_compression import Compression
from plugins.archive_keys import KeyTemplates, LayoutName
from plugins.s3_bucket import Keeping


def _check_endpoint(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError("is not an address like https://s3.example:9000") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or parts.query:
        raise ValueError("is not an address like https://s3.example:9000")
    if parts.username or parts.password:
        raise ValueError("must not hold credentials: use the AWS environment variables or `profile`")
    return value


BucketName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9!_.*'()=-]+/)*$", max_length=500)]
EndpointUrl = Annotated[str, AfterValidator(_check_endpoint)]
RoleArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:[a-z0-9-]+:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$", max_length=2048),
]
StorageClass = Literal[
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
    "REDUCED_REDUNDANCY",
]
_OF_BUCKETS = frozenset(
    {"prefix", "endpoint_url", "region", "profile", "role_arn", "external_id"}
    | {"storage_class", "kms_key", "connections"}
)


class ArchiveSettings(BaseModel):
    """Where the archive is, a folder or a bucket, how it is laid out, and what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path = Field(
        default=Path("archive"), description="the archive is this folder; not together with bucket"
    )
    bucket: BucketName | None = Field(
        default=None, description="the archive is this S3 bucket, which must exist"
    )
    prefix: Prefix = Field(default="", description="in front of every key; empty, or ends with /")
    endpoint_url: EndpointUrl | None = Field(
        default=None, description="of a store other than AWS, such as https://minio.example:9000"
    )
    region: str | None = Field(
        default=None, description="the bucket's region; without it the AWS environment's"
    )
    profile: str | None = Field(default=None, description="a profile of the AWS configuration files")
    role_arn: RoleArn | None = Field(default=None, description="a role to assume with those credentials")
    external_id: Annotated[str, Field(min_length=2, max_length=1224)] | None = Field(
        default=None, description="what the role's owner asks for"
    )
    storage_class: StorageClass | None = Field(
        default=None, description="of pictures and records; without it the bucket's"
    )
    kms_key: Annotated[str, Field(min_length=1, max_length=2048)] | None = Field(
        default=None,
        description="encrypt with this KMS key (id, ARN or alias); without it as the bucket says",
    )
    connections: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=32, description="this many requests under way at most"
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
        if self.bucket is not None and "folder" in given:
            raise ValueError("set folder or bucket, not both")
        alone = sorted(given & _OF_BUCKETS)
        if self.bucket is None and alone:
            raise ValueError(f"{', '.join(alone)} needs bucket")
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("external_id needs role_arn")
        if self.batches is None and "batch_every_s" in given:
            raise ValueError("batch_every_s needs batches")
        self.keys.complete(self.layout)
        return self

    @property
    def access(self) -> Access:
        """How to reach the bucket's store."""
        return Access(
            self.endpoint_url, self.region, self.profile, self.role_arn, self.external_id, self.connections
        )

    def preview(self, event: Event) -> Mapping[str, str]:
        """Return what `lenshub template try --plugin` shows: the event's keys."""
        keys = self.keys.complete(self.layout).keys(event)
        return {name: key for name, key in asdict(keys).items() if key}

    @property
    def keeping(self) -> Keeping:
        """How objects are kept in the bucket."""
        return Keeping(self.storage_class, self.kms_key)
