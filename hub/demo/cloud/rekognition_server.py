"""Stands in for Amazon Rekognition on the loopback: JSON 1.1, each answer as botocore's model has it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter, deque
from collections.abc import Callable
from functools import cache
from typing import Any, Self

from aiohttp import web
from botocore.session import Session
from botocore.validate import ParamValidator

from hub.demo.cloud.rekognition_answers import ANSWERS
from hub.demo.cloud.rekognition_fault import FAULTS, JSON_1_1, RefusedError, refuse
from hub.demo.cloud.rekognition_jobs import MEMBERS, VideoJobs
from hub.demo.cloud.rekognition_models import ProjectVersions
from hub.demo.cloud.rekognition_picture import check_image, name_of

Body = dict[str, Any]
MAX_REQUEST_BYTES = 32 * 1024 * 1024


@cache
def _read_model() -> Any:
    """Return botocore's model of the service, which takes half a second to read."""
    return Session().get_service_model("rekognition")


def _decode_blobs(request: Body) -> Body:
    """Return a request with its pictures as bytes."""
    for name in ("Image", "SourceImage", "TargetImage"):
        image = request.get(name)
        if isinstance(image, dict) and isinstance(image.get("Bytes"), str):
            request[name] = image | {"Bytes": base64.b64decode(image["Bytes"])}
    return request


class RekognitionServer:
    """Answers every image operation, from `answers` or else with something believable.

    `answers` maps (operation, SHA-256 of the picture or s3://bucket/key) or an operation to its body.
    `latency_s` is how long each call takes; `calls` counts those that got this far, `paid` those answered
    well; `most_at_once` is how many were under way together; `requests` are the latest ones, read.
    """

    def __init__(self) -> None:
        self.answers: dict[str | tuple[str, str], Body] = {}
        self.models = ProjectVersions()
        self.videos = VideoJobs()
        self.calls: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        self.requests: deque[tuple[str, Body]] = deque(maxlen=1000)
        self.latency_s = 0.0
        self.most_at_once = 0
        self.url = ""
        self._at_once = 0
        self._faults: dict[str, deque[str]] = {}
        self._end = asyncio.Event()
        self._service = _read_model()

    def fail(self, operation: str, fault: str, times: int = 1) -> None:
        """Do a fault to the next calls of an operation: one of FAULTS, `stall` or `drop`."""
        self._faults.setdefault(operation, deque()).extend([fault] * times)

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=MAX_REQUEST_BYTES)
        application.router.add_post("/", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._end.set()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        operation = request.headers.get("X-Amz-Target", "").removeprefix("RekognitionService.")
        self.calls[operation] += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._converse(operation, request)
        except RefusedError as refused:
            return refuse(refused.code, str(refused), refused.status)
        finally:
            self._at_once -= 1

    async def _converse(self, operation: str, request: web.Request) -> web.Response:
        body = self._read(operation, await request.read())
        self.requests.append((operation, body))
        await asyncio.sleep(self.latency_s)
        if waiting := self._faults.get(operation):
            return await self._do_fault(waiting.popleft(), request)
        answer = self._find(operation, body)
        self._check(operation, answer, "output_shape")
        self.paid[operation] += 1
        return web.Response(text=json.dumps(answer), content_type=JSON_1_1)

    async def _do_fault(self, fault: str, request: web.Request) -> web.Response:
        if fault == "stall":
            await self._end.wait()
        if fault in {"stall", "drop"}:
            if request.transport is not None:
                request.transport.close()
            return web.Response()
        return FAULTS[fault]()

    def _read(self, operation: str, data: bytes) -> Body:
        if operation not in self._service.operation_names:
            raise RefusedError("UnknownOperationException", "")
        try:
            body = _decode_blobs(json.loads(data))
        except ValueError as error:
            raise RefusedError("SerializationException", "") from error
        self._check(operation, body, "input_shape")
        return body

    def _check(self, operation: str, body: Body, side: str) -> None:
        """Refuse what is not as the service's model says; of an answer of ours that is a bug."""
        shape = getattr(self._service.operation_model(operation), side)
        report = ParamValidator().validate(body, shape)
        if not report.has_errors():
            return
        if side == "output_shape":
            raise AssertionError(f"{operation}: {report.generate_report()}")
        raise RefusedError("InvalidParameterException", report.generate_report())

    def _find(self, operation: str, body: Body) -> Body:
        if operation in ANSWERS:
            return self._look(operation, body)
        own: dict[str, Callable[[Body], Body]] = {
            "DescribeProjectVersions": self.models.describe,
            "StartProjectVersion": lambda b: self.models.find(b["ProjectVersionArn"]).start(
                b["MinInferenceUnits"]
            ),
            "StopProjectVersion": lambda b: self.models.find(b["ProjectVersionArn"]).stop(),
            **{name: lambda b, name=name: self.videos.page(name, b) for name in MEMBERS},  # type: ignore[misc] # bound early
        }
        if operation not in own:
            raise RefusedError("UnknownOperationException", f"{operation} is not played here")
        return own[operation](body)

    def _look(self, operation: str, body: Body) -> Body:
        image = body.get("Image") or body["TargetImage"]
        for name in ("Image", "SourceImage", "TargetImage"):
            if name in body:
                check_image(operation, body[name])
        if operation == "DetectCustomLabels":
            self.models.check_runs(body["ProjectVersionArn"])
        told = self.answers.get((operation, name_of(image)), self.answers.get(operation))
        return ANSWERS[operation]() if told is None else told
