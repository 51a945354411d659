"""The settings of plugins that write to a folder or to an S3 bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from hub.aws import Access, Region
from plugins.archive_place import FolderPlace, Place
from plugins.s3_bucket import Bucket, Keeping


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


class PlaceSettings(BaseModel):
    """Where a plugin writes: a folder, or a bucket and how to reach it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path = Field(description="write to this folder; not together with bucket")
    bucket: BucketName | None = Field(default=None, description="write to this S3 bucket, which must exist")
    prefix: Prefix = Field(default="", description="in front of every key; empty, or ends with /")
    endpoint_url: EndpointUrl | None = Field(
        default=None, description="of a store other than AWS, such as https://minio.example:9000"
    )
    region: Region | None = Field(
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

    @model_validator(mode="after")
    def _check_place(self) -> Self:
        given = self.model_fields_set
        if self.bucket is not None and "folder" in given:
            raise ValueError("set folder or bucket, not both")
        alone = sorted(given & _OF_BUCKETS)
        if self.bucket is None and alone:
            raise ValueError(f"{', '.join(alone)} needs bucket")
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("external_id needs role_arn")
        return self

    def make_place(self, data_dir: Path) -> Place:
        """Return the folder or bucket, to be entered; a relative folder lies in `data_dir`."""
        if self.bucket is None:
            return FolderPlace(data_dir / self.folder)
        return Bucket(self.bucket, self.prefix, self.access, self.keeping)

    @property
    def access(self) -> Access:
        """How to reach the bucket's store."""
        return Access(
            self.endpoint_url, self.region, self.profile, self.role_arn, self.external_id, self.connections
        )

    @property
    def keeping(self) -> Keeping:
        """How objects are kept in the bucket."""
        return Keeping(self.storage_class, self.kms_key)
