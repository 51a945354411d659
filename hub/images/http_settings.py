"""The `[http]` table: where the hub takes pictures by HTTP."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from hub.event import Plain


class HttpSettings(Plain):
    """Nothing listens without `listen`."""

    listen: str | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    wait_s: Annotated[float, Field(ge=0, le=300)] = 20.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.listen is None:
            named = [name for name in ("cert_file", "key_file") if getattr(self, name)]
            if named:
                raise ValueError(f"{' and '.join(named)} would do nothing without listen")
            return self
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file belong together: set both or none")
        if not ip_address(self.address[0]).is_loopback and not self.cert_file:
            raise ValueError("listen beyond the loopback needs cert_file and key_file: tokens are secrets")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Where to listen; raises ValueError where that is none."""
        problem = "listen must be an IP address and a port, such as 127.0.0.1:8480"
        try:
            parts = urlsplit(f"//{self.listen}")
            host, port = str(ip_address(parts.hostname or "")), parts.port
        except ValueError as error:
            raise ValueError(problem) from error
        if port is None or parts.path or parts.username is not None or parts.query:
            raise ValueError(problem)
        return host, port
