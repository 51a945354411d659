"""The settings of rekognition."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from hub.aws import Access, Region
from hub.event import DeviceName, Name
from hub.plugin import Limit
from plugins.place_settings import EndpointUrl, RoleArn

Operation = Literal[
    "labels",
    "custom-labels",
    "text",
    "faces",
    "celebrities",
    "moderation",
    "compare-faces",
    "search-faces",
]
VideoOperation = Literal["labels", "text", "faces", "moderation"]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
Money = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
VersionArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:rekognition:[a-z0-9-]+:[0-9]{12}:project/[A-Za-z0-9_.-]+/version/[A-Za-z0-9_.-]+/[0-9]+$",
        max_length=2048,
    ),
]
ProjectArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:rekognition:[a-z0-9-]+:[0-9]{12}:project/[A-Za-z0-9_.-]+/[0-9]+$",
        max_length=2048,
    ),
]
QueueUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+/\S+$", max_length=2000)]
Collection = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,255}$")]


def _check_unique(operations: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(operations)) != len(operations):
        raise ValueError("names an operation twice, which would be paid twice")
    return operations


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelsSettings(Table):
    """Of DetectLabels."""

    min_confidence: Share = Field(default=0.55, description="labels less sure are not answered, 0 to 1")
    max_labels: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="at most so many")


class TextSettings(Table):
    """Of DetectText, which says the same text as lines and as words."""

    units: Literal["lines", "words"] = Field(default="lines", description="which of the two are detections")
    min_confidence: Share | None = Field(
        default=None, description="words less sure are not answered; absent: Rekognition's own 0.8"
    )


class CustomLabelsSettings(Table):
    """Of DetectCustomLabels, and of the model that is started for a batch."""

    version_arn: VersionArn = Field(description="ARN of the model version that is asked")
    project_arn: ProjectArn | None = Field(
        default=None, description="ARN of its project; needed to start and stop it for batches"
    )
    min_confidence: Share | None = Field(default=None, description="absent: the model's own thresholds")
    max_results: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="at most so many")
    inference_units: Annotated[int, Field(ge=1, le=10)] = Field(
        default=1, description="a batch starts so many"
    )
    hour_price: Money = Field(default=4.0, description="USD for an inference unit that runs for an hour")
    poll_s: Annotated[float, Field(gt=0, le=600)] = Field(
        default=15.0, description="how often the model's state is looked at, in seconds"
    )
    max_wait_s: Annotated[float, Field(ge=1, le=7200)] = Field(
        default=2400.0, description="a model that takes longer to start or stop is looked at anew later"
    )

    @property
    def version_name(self) -> str:
        """The version's name within its project."""
        return self.version_arn.split("/version/")[1].split("/")[0]


class ModerationSettings(Table):
    """Of DetectModerationLabels."""

    min_confidence: Share = Field(default=0.5, description="labels less sure are not answered, 0 to 1")


class CompareSettings(Table):
    """Of CompareFaces: one face that is looked for in every picture."""

    face: Path = Field(description="a JPEG or PNG of the face, its largest; relative to data_dir")
    name: Name = Field(default="same face", description="the label of a face that matches")
    min_similarity: Share = Field(default=0.8, description="less alike is no match, 0 to 1")


class SearchSettings(Table):
    """Of SearchFacesByImage, which looks for the largest face of a picture."""

    collection: Collection = Field(description="the collection of faces")
    max_faces: Annotated[int, Field(ge=1, le=4096)] = Field(default=5, description="at most so many matches")
    min_similarity: Share = Field(default=0.8, description="less alike is no match, 0 to 1")


class VideoSettings(Table):
    """Of stored videos, whose jobs somebody else starts."""

    sqs: QueueUrl = Field(description="URL of the queue that gets Rekognition's notices of finished jobs")
    operations: Annotated[tuple[VideoOperation, ...], Field(min_length=1)] = Field(
        default=("labels", "text", "faces", "moderation"), description="jobs of other operations are refused"
    )
    device: DeviceName = Field(default="video", description="whose events they are")
    max_moments: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=20_000, description="events of one job at most; the rest is left out, and the log says so"
    )
    sqs_endpoint_url: EndpointUrl | None = Field(default=None, description="of an SQS other than AWS")
    s3_endpoint_url: EndpointUrl | None = Field(default=None, description="of an S3 other than AWS")


class RekognitionSettings(Table):
    """What is asked of every picture, as whom, how often, and for how much."""

    operations: Annotated[tuple[Operation, ...], Field(min_length=1), AfterValidator(_check_unique)] = Field(
        default=("labels",), description="what is asked of every picture; each is paid"
    )
    labels: LabelsSettings = Field(default=LabelsSettings(), description="of the operation labels")
    text: TextSettings = Field(default=TextSettings(), description="of the operation text")
    moderation: ModerationSettings = Field(
        default=ModerationSettings(), description="of the operation moderation"
    )
    custom_labels: CustomLabelsSettings | None = Field(
        default=None, description="of the operation custom-labels: the model, and how batches run it"
    )
    compare_faces: CompareSettings | None = Field(
        default=None, description="of the operation compare-faces: whose face is looked for"
    )
    search_faces: SearchSettings | None = Field(
        default=None, description="of the operation search-faces: the collection"
    )
    video: VideoSettings | None = Field(default=None, description="results of stored-video jobs are taken in")
    rate: Mapping[Operation, Rate] = Field(
        default={}, description="calls a second of an operation, as your account's quota allows (5)"
    )
    price: Mapping[Operation, Money] = Field(
        default={},
        description="USD for a call of an operation (0.001; 0 for custom-labels, paid by the hour)",
    )
    budget_usd_per_day: Money | None = Field(
        default=None, description="USD that calls may cost within 24 hours"
    )
    budget_usd_per_month: Money | None = Field(
        default=None, description="USD that calls may cost in a month, in UTC"
    )
    oversize: Literal["reject", "shrink"] = Field(
        default="reject", description="pictures too large to be sent are quarantined, or encoded smaller"
    )
    use_s3: bool = Field(
        default=True, description="a picture that lies in S3 is named, not sent; Rekognition reads it there"
    )
    pause_s: Annotated[float, Field(ge=1, le=86_400)] = Field(
        default=300.0, description="seconds to wait where credentials, permissions or a model are missing"
    )
    region: Region | None = Field(default=None, description="absent: as the AWS environment says")
    profile: Name | None = Field(default=None, description="a profile of the AWS configuration files")
    role_arn: RoleArn | None = Field(default=None, description="a role to assume with those credentials")
    external_id: Annotated[str, Field(min_length=2, max_length=1224)] | None = Field(
        default=None, description="what the role's owner asks for"
    )
    endpoint_url: EndpointUrl | None = Field(default=None, description="of a Rekognition other than AWS")

    @model_validator(mode="after")
    def _check(self) -> Self:
        tables: dict[Operation, Table | None] = {
            "custom-labels": self.custom_labels,
            "compare-faces": self.compare_faces,
        }
        tables["search-faces"] = self.search_faces
        for operation, table in tables.items():
            if operation in self.operations and table is None:
                raise ValueError(f"{operation} needs the table {operation.replace('-', '_')}")
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("external_id needs role_arn")
        return self

    @property
    def compare_name(self) -> str:
        """The label of a face that is the one looked for."""
        return self.compare_faces.name if self.compare_faces is not None else "same face"

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What all calls together may cost."""
        day, month = self.budget_usd_per_day, self.budget_usd_per_month
        limits = [] if day is None else [Limit("budget_usd_per_day", "day", amount=day)]
        return (*limits, *([] if month is None else [Limit("budget_usd_per_month", "month", amount=month)]))

    def access(self, endpoint_url: str | None = None, connections: int = 64) -> Access:
        """How to reach a service of AWS as these settings say."""
        return Access(endpoint_url, self.region, self.profile, self.role_arn, self.external_id, connections)
