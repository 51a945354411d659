"""What the local Rekognition answers when it does not work: errors of the JSON 1.1 protocol, and worse."""

from __future__ import annotations

import json
from collections.abc import Callable

from aiohttp import web

JSON_1_1 = "application/x-amz-json-1.1"
HTML = "<html><body>Service Unavailable</body></html>"
NO_FACE = "There are no faces in the image. Should be at least 1."


class RefusedError(Exception):
    """An error that Rekognition would answer with.

    Args:
        code: `__type`, such as `ThrottlingException`.
        status: Of HTTP; 400 for nearly all.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def refuse(code: str, message: str, status: int = 400) -> web.Response:
    """Return an error as the protocol says it."""
    body = json.dumps({"__type": code, "Message": message})
    return web.Response(text=body, status=status, content_type=JSON_1_1)


def _tell(code: str, message: str, status: int = 400) -> Callable[[], web.Response]:
    return lambda: refuse(code, message, status)


def _page(status: int) -> Callable[[], web.Response]:
    return lambda: web.Response(text=HTML, status=status, content_type="text/html")


def _body(text: str) -> Callable[[], web.Response]:
    return lambda: web.Response(text=text, content_type=JSON_1_1)


FAULTS: dict[str, Callable[[], web.Response]] = {
    "throttle": _tell("ThrottlingException", "Rate exceeded"),
    "throttle_500": _tell("ThrottlingException", "Rate exceeded", 500),
    "provisioned": _tell("ProvisionedThroughputExceededException", "Provisioned rate exceeded"),
    "internal": _tell("InternalServerError", "Internal server error", 500),
    "denied": _tell("AccessDeniedException", "User is not authorized to perform this operation"),
    "expired": _tell("ExpiredTokenException", "The security token included in the request is expired"),
    "unknown_key": _tell("UnrecognizedClientException", "The security token is invalid"),
    "format": _tell("InvalidImageFormatException", "Request has invalid image format"),
    "too_large": _tell("ImageTooLargeException", "Image size is too large"),
    "object": _tell("InvalidS3ObjectException", "Unable to get object metadata from S3"),
    "parameter": _tell("InvalidParameterException", "Request has invalid parameters"),
    "no_face": _tell("InvalidParameterException", NO_FACE),
    "unknown_model": _tell("ResourceNotFoundException", "The resource was not found"),
    "not_ready": _tell("ResourceNotReadyException", "The project version is not ready"),
    "limit": _tell("LimitExceededException", "Limit of concurrently running models is exceeded"),
    "html": _page(500),
    "html_200": _page(200),
    "nothing": _body(""),
    "strange": _body('{"Labels": [{"Name": 7, "Confidence": "high", "Instances": "none"}]}'),
    "array": _body("[1, 2]"),
}
"""By name; `stall` and `drop` are the server's own."""
