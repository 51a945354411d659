"""`[gates.<name>]`: which classifier looks first, and what its scores decide."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from hub.event import Plain

ServingUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/\S*)?/v1/models/\S+:predict$", max_length=2000)
]
Share = Annotated[float, Field(ge=0, le=1)]


class GateSettings(Plain):
    """One gate. Its model runs in the hub, or is asked from TensorFlow Serving."""

    model: Path | None = Field(
        default=None,
        description='a shipped model\'s name ("text"), or a folder with model.xml and model.toml',
    )
    tf_serving: ServingUrl | None = Field(
        default=None, description="such as http://127.0.0.1:8501/v1/models/text-detect:predict"
    )
    threshold: Share | None = Field(
        default=None, description="pictures that score less are not sent; absent: as the model's card says"
    )
    audit_share: Share = Field(
        default=0.02, description="of the refused pictures so many are sent all the same, drawn at random"
    )
    price: Annotated[float, Field(ge=0)] = Field(
        default=0.001, description="USD; what the calls cost that a refused picture saves; for reports"
    )
    when_down: Literal["open", "closed"] = Field(
        default="open", description="without an answer pictures are sent (open), or wait (closed)"
    )
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 10.0
    threads: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None, description="of a model in the hub; absent: as many as there are processors"
    )

    @model_validator(mode="after")
    def _has_one_model(self) -> Self:
        if (self.model is None) == (self.tf_serving is None):
            raise ValueError("needs either model or tf_serving")
        if self.tf_serving is not None and self.threshold is None:
            raise ValueError("needs threshold: nothing says what the scores of tf_serving mean")
        if self.tf_serving is not None and self.threads is not None:
            raise ValueError("threads would do nothing with tf_serving")
        return self
