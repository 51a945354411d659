"""The cloud demo's servers alone, for trying by hand: no account, no hub, and a hub.toml that asks them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from hub.demo.cloud.account import ENVIRONMENT
from hub.demo.cloud.classifier_server import ClassifierServer
from hub.demo.cloud.notice import REGION
from hub.demo.cloud.pictures import BOOKS
from hub.demo.cloud.rekognition_server import RekognitionServer
from hub.demo.setting import DemoSetting, free_port, new_folder

_HUB = """\
# Written by `lenshub demo --servers`; the servers that it names are there while that runs.
[hub]
data_dir = "."

[mqtt]
port = {mqtt_port}

[http]
listen = "127.0.0.1:{http_port}"

[plugins.rekognition]
operations = ["labels", "text"]
region = "{region}"
endpoint_url = "{rekognition}"
images = {{ folder = "photos", upload = true, device = "photos" }}

[plugins.isbn]
http = {{ url = "{classifier}", allow_hosts = ["127.0.0.1"] }}
classes = {{ names = {classes} }}
images = {{ folder = "books", upload = true, device = "phone" }}
"""
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class Served(BaseModel):
    """The address of each server, the hub.toml that asks them, and made-up credentials."""

    rekognition: str
    classifier: str
    hub_toml: str
    environment: dict[str, str]


async def serve(
    parent: Path, seconds: float | None, stop: asyncio.Event, tell: Callable[[Served], None]
) -> None:
    """Run the servers for so many seconds, or until `stop` is set; `tell` is called once they answer.

    Raises:
        HubError: The folder cannot be written.
    """
    async with RekognitionServer() as rekognition, ClassifierServer(BOOKS) as classifier:
        tell(lay_out_served(parent, rekognition.url, classifier.url))
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            pass


def lay_out_served(parent: Path, rekognition: str, classifier: str) -> Served:
    """Make a new folder below `parent` with a hub.toml that asks these servers; raises HubError."""
    setting = DemoSetting(new_folder(parent))
    text = _HUB.format(
        mqtt_port=free_port(),
        http_port=free_port(),
        region=REGION,
        rekognition=rekognition,
        classifier=classifier,
        classes=json.dumps(BOOKS),
    )
    setting.hub_toml.write_text(text, encoding="utf-8")
    credentials = {name: ENVIRONMENT[name] for name in _CREDENTIALS}
    return Served(
        rekognition=rekognition,
        classifier=classifier,
        hub_toml=str(setting.hub_toml),
        environment=credentials,
    )
