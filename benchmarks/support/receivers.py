"""What the plugins under measurement deliver to, in a process of its own: S3, a webhook, an MQTT client.

Far faster than what delivers to it, and strict about what counts: conditional writes are honoured, and
`GET /counts` tells how many objects, alerts posted and alerts published there are, each counted once.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

from aiohttp import web
from paho.mqtt import client as paho

HOST = "127.0.0.1"
TOPIC = "lenshub/alerts/bench"
START_S = 60.0
ABSENT = '<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'
TAKEN = '<?xml version="1.0"?><Error><Code>PreconditionFailed</Code></Error>'


class Receivers:
    """Objects by key, and alerts by their ids."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.posted: set[str] = set()
        self.published: set[str] = set()

    async def put(self, request: web.Request) -> web.Response:
        """Keep an object, as PutObject does."""
        data = await request.read()
        if request.path in self.objects and request.headers.get("If-None-Match") == "*":
            return web.Response(status=412, text=TAKEN, content_type="application/xml")
        self.objects[request.path] = data
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return web.Response(headers={"ETag": f'"{digest}"'})

    async def get(self, request: web.Request) -> web.Response:
        """Return an object, as GetObject does."""
        data = self.objects.get(request.path)
        if data is None:
            return web.Response(status=404, text=ABSENT, content_type="application/xml")
        return web.Response(body=data)

    async def post(self, request: web.Request) -> web.Response:
        """Take an alert that is posted."""
        await request.read()
        self.posted.add(request.headers["Idempotency-Key"])
        return web.Response(status=204)

    def hear(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        """Take an alert that is published, but not its picture."""
        if message.topic == TOPIC:
            self.published.add(json.loads(message.payload)["id"])

    async def counts(self, request: web.Request) -> web.Response:
        """Tell what came: records and pictures in the bucket, alerts posted and published."""
        records = sum("/json/" in key for key in self.objects)
        pictures = sum(key.endswith(".jpg") for key in self.objects)
        alerts = {"posted": len(self.posted), "published": len(self.published)}
        told = {"records": records, "pictures": pictures, **alerts}
        return web.json_response(told)


def main() -> None:
    """Serve until killed, at the port that is the first argument; the second is the broker's."""
    receivers = Receivers()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_message = receivers.hear
    client.connect(HOST, int(sys.argv[2]))
    client.subscribe(TOPIC, qos=1)
    client.loop_start()
    serving = web.Application(client_max_size=2**26)
    serving.router.add_get("/counts", receivers.counts)
    serving.router.add_post("/hook", receivers.post)
    serving.router.add_put("/{key:.*}", receivers.put)
    serving.router.add_get("/{key:.*}", receivers.get)
    web.run_app(serving, host=HOST, port=int(sys.argv[1]), access_log=None, print=None)


@contextmanager
def receiving(port: int, broker: int) -> Iterator[None]:
    """Run the receivers at a port while the context lasts; it begins once they answer."""
    with subprocess.Popen([sys.executable, __file__, str(port), str(broker)]) as process:
        try:
            _wait_for(port)
            yield
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            count_received(port)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def count_received(port: int) -> dict[str, int]:
    """Return what came so far."""
    with urlopen(f"http://{HOST}:{port}/counts", timeout=30) as answer:
        counts: dict[str, int] = json.load(answer)
    return counts


if __name__ == "__main__":
    main()
