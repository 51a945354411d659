"""The settings of `isbn`: what is tried in which order, and which classifier is asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from hub.aws import Region
from hub.event import Fraction, Name, Plain, Side
from hub.guarded_address import check_url, plain_host
from hub.guarded_http import TIMEOUT_S
from hub.plugin import Limit

Step = Literal["barcode", "model"]
Endpoint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](-*[A-Za-z0-9])*$", max_length=63)]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\[\]:-]+/?$", max_length=300)]
Dotted = Annotated[str, StringConstraints(pattern=r"^[^.]+(\.[^.]+)*$", max_length=200)]
Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,100}$")]
Seconds = Annotated[float, Field(gt=0, le=600)]
Money = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


def _check_variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value or not value.isprintable():
        raise ValueError(f"the environment variable {name} is not set, or holds what no header can")
    return name


Variable = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,199}$"), AfterValidator(_check_variable)
]
Host = Annotated[str, Field(max_length=253), AfterValidator(plain_host)]


class ClassesSettings(Plain):
    """Which class is which book, in the order of the model's numbers; one of the three."""

    names: tuple[Name, ...] = Field(default=(), description="ISBNs or folder names, in the model's order")
    file: Path | None = Field(default=None, description="a JSON list, {number: name}, or a name a line")
    folder: Path | None = Field(default=None, description="the training folder: its subfolders by name")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if [bool(self.names), self.file is not None, self.folder is not None].count(True) != 1:
            raise ValueError("needs one of names, file and folder")
        return self


class HttpSettings(Plain):
    """An HTTP API that takes a picture and answers probabilities."""

    url: Annotated[SecretStr, Field(max_length=2000)] = Field(description="https; never shown")
    allow_hosts: tuple[Host, ...] = Field(default=(), description="hosts that may be private, or plain http")
    path: Dotted | None = Field(default=None, description="where in the answer the probabilities are: a.b.0")
    json_member: Name | None = Field(
        default=None, description="send JSON with the picture as base64 in this member, not its bytes"
    )
    key_env: Variable | None = Field(default=None, description="the environment variable with the key")
    key_header: Header = Field(default="x-api-key", description="the header that carries the key")
    timeout_s: Seconds = Field(default=TIMEOUT_S, description="of one request with its answer")
    version: Name = Field(default="unknown", description="of the model, as events are to say it")

    @model_validator(mode="after")
    def _may_be_asked(self) -> Self:
        check_url(self.url.get_secret_value(), frozenset(self.allow_hosts))
        return self


class SageMakerSettings(Plain):
    """An endpoint of SageMaker."""

    endpoint: Endpoint = Field(description="its name")
    region: Region | None = Field(default=None, description="absent: as AWS is configured")
    profile: Name | None = Field(default=None, description="a profile of the AWS configuration files")
    endpoint_url: Address | None = Field(default=None, description="of a service other than AWS")
    timeout_s: Seconds = Field(default=25.0, description="of one request with its answer")


class OpenVinoSettings(Plain):
    """A model folder, as docs/models.md has it, of the kind `classification`."""

    folder: Path = Field(description="where model.toml and the network are")
    device: str | None = Field(default=None, description="CPU, GPU, NPU or AUTO; absent: model.toml's")


class IsbnSettings(Plain):
    """Which steps are taken, the classifier, and what it may cost."""

    cascade: tuple[Step, ...] = Field(
        default=(), description="what is tried until a book is found; absent: barcode, then the model if any"
    )
    threshold: Fraction = Field(default=0.5, description="below it the model's answer is `unknown`")
    guesses: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="how many of the model's guesses events keep"
    )
    longest_px: Side = Field(default=1024, description="longer sides are shrunk for HTTP and SageMaker")
    classes: ClassesSettings | None = Field(default=None, description="which class is which book")
    http: HttpSettings | None = Field(default=None, description="an HTTP API")
    sagemaker: SageMakerSettings | None = Field(default=None, description="a SageMaker endpoint")
    openvino: OpenVinoSettings | None = Field(default=None, description="a model of your own, run here")
    price_usd: Money = Field(default=0.0, description="what one request to the model costs")
    budget_usd_per_day: Money | None = Field(default=None, description="the most that 24 hours may cost")
    budget_usd_per_month: Money | None = Field(default=None, description="the most that a month may cost")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        models = [name for name in ("http", "sagemaker", "openvino") if getattr(self, name) is not None]
        if len(models) > 1:
            raise ValueError(f"has {' and '.join(models)}: one classifier an instance")
        if len(set(self.cascade)) != len(self.cascade):
            raise ValueError("cascade names a step twice")
        if self.cascade and ("model" in self.cascade) != bool(models):
            raise ValueError(
                "cascade has `model`, and there is an http, sagemaker or openvino table, or neither"
            )
        if self.classes is None and self.sagemaker is not None:
            raise ValueError("sagemaker answers without names: it needs classes")
        if self.classes is not None and (not models or self.openvino is not None):
            raise ValueError("classes are for http and sagemaker; openvino has its labels in model.toml")
        return self

    @property
    def steps(self) -> tuple[Step, ...]:
        """What is tried, in this order."""
        has_model = bool(self.http or self.sagemaker or self.openvino)
        return self.cascade or (("barcode", "model") if has_model else ("barcode",))

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What the model may cost."""
        found = []
        if self.budget_usd_per_day is not None:
            found.append(Limit("budget_usd_per_day", "day", amount=self.budget_usd_per_day))
        if self.budget_usd_per_month is not None:
            found.append(Limit("budget_usd_per_month", "month", amount=self.budget_usd_per_month))
        return tuple(found)
