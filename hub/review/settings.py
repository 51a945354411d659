"""`[review]` of hub.toml: how reviewers share the work."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hub.event import Fraction, Plain


class ReviewSettings(Plain):
    """`[review]`: which share of the events two reviewers see, and how long one is before a reviewer."""

    second_share: Fraction = 0.1
    lease_minutes: Annotated[float, Field(gt=0, le=10_080, allow_inf_nan=False)] = 10.0
    same_box: Annotated[float, Field(gt=0, le=1)] = 0.5
