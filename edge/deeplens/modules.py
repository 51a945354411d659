"""The modules that a function found on the device: awscam, mo, greengrasssdk, DeepLens_Kinesis_Video."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, NoReturn

from edge.deeplens.artifacts import Artifacts
from edge.deeplens.channel import Channel
from edge.deeplens.stream import Stream


class NotOfferedError(RuntimeError):
    """A part of AWS that is not there on this box."""


class Absent:
    """Stands for something that cannot be had here: any use raises NotOfferedError with the reason."""

    def __init__(self, name: str, advice: str) -> None:
        self._name, self._advice = name, advice

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)

        def refuse(*_: object, **__: object) -> NoReturn:
            raise NotOfferedError(f"{self._name}.{attribute} is not offered here: {self._advice}")

        return refuse


def offer(channel: Channel, stream: Stream, artifacts: Artifacts) -> None:
    """Put the modules where `import` finds them, before any of the same name in the function's folder."""
    sys.modules["awscam"] = _awscam(channel, stream, artifacts)
    sys.modules["mo"] = _mo(channel, artifacts)
    sys.modules["greengrasssdk"] = _greengrasssdk(channel)
    sys.modules["DeepLens_Kinesis_Video"] = _kinesis()


def _module(name: str, **members: Any) -> ModuleType:
    made = ModuleType(name, "Offered by LensHub in place of the device's module.")
    made.__dict__.update(members)
    return made


def _awscam(channel: Channel, stream: Stream, artifacts: Artifacts) -> ModuleType:
    class Model:
        """A network, found by its path on the device."""

        def __init__(self, path: str, config: dict[str, int] | None = None, runtime: int = 0) -> None:
            from edge.deeplens.model import Model as Network

            found = artifacts.find_model(str(path))
            gpu = bool((config or {}).get("GPU"))
            self._network = Network(found, gpu=gpu, say=channel.say, say_once=channel.say_once)

        def doInference(self, frame: Any) -> dict[str, Any]:  # noqa: N802 - the device's name
            """Return `{output name: array}`."""
            return self._network.infer(frame)

        def parseResult(self, kind: str, raw: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - likewise
            """Return `{kind: [...]}`, best first."""
            return self._network.parse(kind, raw)

    return _module("awscam", getLastFrame=stream.take, Model=Model)


def _mo(channel: Channel, artifacts: Artifacts) -> ModuleType:
    def optimize(
        model_name: str,
        input_width: int,
        input_height: int,
        platform: str = "mxnet",
        aux_inputs: dict[str, Any] | None = None,
    ) -> tuple[int, str]:
        """Return (0, the IR's path), or (1, "") when there is none: models are converted beforehand."""
        try:
            return 0, str(artifacts.find_model(str(model_name)))
        except FileNotFoundError as error:
            channel.say_once("trouble", f"mo.optimize: {error}; convert it with `lenshub-edge optimize`")
            return 1, ""

    return _module("mo", optimize=optimize)


def _greengrasssdk(channel: Channel) -> ModuleType:
    class IotData:
        """Publishes into the spool."""

        def publish(self, topic: str, payload: str | bytes, qos: int = 0, **_: object) -> None:
            """Return once the message is on the disk; always sent with QoS 1."""
            if isinstance(payload, str):
                payload = payload.encode()
            if not isinstance(payload, (bytes, bytearray, memoryview)):
                raise TypeError(f"publish: payload must be str or bytes, not {type(payload).__name__}")
            channel.publish(str(topic), bytes(payload))

        def __getattr__(self, attribute: str) -> Any:
            return getattr(Absent("greengrasssdk iot-data", "there are no shadows, only publish"), attribute)

    advice = {
        "lambda": "there is no Lambda service to invoke; import the code, or use boto3",
        "secretsmanager": "no secrets are kept here; use an environment variable, or boto3",
    }

    def client(service: str, *_: object, **__: object) -> Any:
        """Return a client of a Greengrass service."""
        if service == "iot-data":
            return IotData()
        if service in advice:
            return Absent(f'greengrasssdk.client("{service}")', advice[service])
        raise NotOfferedError(f"greengrasssdk.client({service!r}): unknown service (known: iot-data)")

    return _module("greengrasssdk", client=client)


def _kinesis() -> ModuleType:
    absent = Absent("DeepLens_Kinesis_Video", "there is no video stream to Kinesis; the hub keeps the frames")

    def __getattr__(name: str) -> Any:  # noqa: N807 - a module's own
        return getattr(absent, name)

    return _module("DeepLens_Kinesis_Video", __getattr__=__getattr__)
