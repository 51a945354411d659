"""Lays out the cloud demo's folder: a hub.toml whose every address is on this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hub.demo.cloud.notice import REGION
from hub.demo.cloud.pictures import ALARMING, BOOKS
from hub.demo.setting import DemoSetting, free_port, new_folder

SIGNS, BOOKS_OF, THUMBS = "signs", "books", "thumbs"
DOES = ("s3-archive", "threshold-alerts", "tweet")
PROJECT = f"arn:aws:rekognition:{REGION}:123456789012:project/thumbs/1700000000000"
VERSION = f"arn:aws:rekognition:{REGION}:123456789012:project/thumbs/version/thumbs.1/1700000000001"
BATCH = 6
BUCKET = QUEUE = "photos"
BOOK_USD = 0.0004

_HUB = """\
# Written by `lenshub demo --cloud`. Look around with, for example: lenshub events -c {path}
# The servers that this names ran inside of the demo and are gone with it.
[hub]
data_dir = "."

[mqtt]
port = {mqtt_port}

[http]
listen = "127.0.0.1:{http_port}"

[plugins.signs]            # pictures in S3, told of by SQS
use = "rekognition"
operations = ["labels", "text"]
region = "{region}"
endpoint_url = "{rekognition}"
rate = {{ labels = 50, text = 50 }}
budget_usd_per_day = 1.0
images = {{ sqs = "{queue}", endpoint_url = "{storage}", region = "{region}", device = "street"{gated} }}

[plugins.books]            # uploads by HTTP: the barcode, and without one a classifier
use = "isbn"
price_usd = {book_usd}
http = {{ url = "{classifier}", allow_hosts = ["127.0.0.1"] }}
classes = {{ names = {classes} }}
images = {{ upload = true, device = "phone" }}

[plugins.thumbs]           # a folder, by the batch: the model runs only meanwhile
use = "rekognition"
operations = ["custom-labels"]
region = "{region}"
endpoint_url = "{rekognition}"
rate = {{ custom-labels = 50 }}
custom_labels = {{ version_arn = "{version}", project_arn = "{project}", poll_s = 0.5 }}
images = {{ folder = "thumbs", device = "kitchen", batch = {{ backlog = {batch} }} }}

[plugins.s3-archive]
folder = "archive"

[plugins.threshold-alerts]
labels = {alarming}
min_confidence = 0.9
cooldown_s = 5

[plugins.tweet]
match = {{ sources = ["books", "thumbs"] }}
template = "New in {{source}} from {{device}} at {{time:%H:%M}} (UTC): {{labels}}"
"""

_GATE = """
[gates.text]               # looks on only: every picture is sent, and its score kept for `lenshub gate tune`
model = "text"
threshold = 0
"""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the local servers listen."""

    storage: str
    queue: str
    rekognition: str
    classifier: str


@dataclass(frozen=True, slots=True)
class CloudSetting(DemoSetting):
    """Where a cloud demo's things lie."""

    http: str

    @property
    def thumbs(self) -> Path:
        """The folder whose pictures are taken."""
        return self.folder / "thumbs"


def lay_out_cloud(parent: Path, at: Addresses) -> CloudSetting:
    """Make a new folder below `parent` with the hub's configuration; raises HubError."""
    port = free_port()
    setting = CloudSetting(new_folder(parent), f"http://127.0.0.1:{port}")
    has_gate = find_spec("openvino") is not None  # of the extra `gate`
    text = _HUB.format(
        gated=', gate = "text"' if has_gate else "",
        path=setting.hub_toml,
        mqtt_port=free_port(),
        http_port=port,
        region=REGION,
        rekognition=at.rekognition,
        queue=at.queue,
        storage=at.storage,
        classifier=at.classifier,
        book_usd=BOOK_USD,
        classes=json.dumps(BOOKS),
        version=VERSION,
        project=PROJECT,
        batch=BATCH,
        alarming=json.dumps([ALARMING]),
    )
    setting.hub_toml.write_text(text + _GATE * has_gate, encoding="utf-8")
    setting.thumbs.mkdir()
    return setting
