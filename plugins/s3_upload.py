"""Uploads large objects in parts, several at a time; given up as a whole where one fails."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

log = logging.getLogger(__name__)

PART_BYTES = 8 * 1024 * 1024
"""S3 takes parts from 5 MiB; what is not larger than one part goes in one request."""
AT_A_TIME = 4


async def upload_in_parts(client: Any, bucket: str, key: str, data: bytes, making: dict[str, Any]) -> None:
    """Put an object of more than one part; raises as botocore does.

    Args:
        making: Parameters of `put_object`; the condition IfNoneMatch is checked when the parts are joined.
    """
    target = {"Bucket": bucket, "Key": key}
    conditions = {name: making[name] for name in ("IfNoneMatch",) if name in making}
    described = {name: value for name, value in making.items() if name not in conditions}
    begun = await client.create_multipart_upload(**target, **described)
    upload = {**target, "UploadId": begun["UploadId"]}
    try:
        parts = await _upload_parts(client, upload, data)
        await client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **conditions)
    except BaseException:
        await _abort(client, upload)
        raise


async def _upload_parts(client: Any, upload: dict[str, str], data: bytes) -> list[dict[str, Any]]:
    limit = asyncio.Semaphore(AT_A_TIME)

    async def send(number: int) -> dict[str, Any]:
        start = (number - 1) * PART_BYTES
        async with limit:
            body = data[start : start + PART_BYTES]
            answer = await client.upload_part(**upload, PartNumber=number, Body=body)
        return {"PartNumber": number, "ETag": answer["ETag"]}

    count = -(-len(data) // PART_BYTES)
    sending = [asyncio.ensure_future(send(number)) for number in range(1, count + 1)]
    try:
        return list(await asyncio.gather(*sending))
    finally:
        for task in sending:
            task.cancel()


async def _abort(client: Any, upload: dict[str, str]) -> None:
    """Have the parts thrown away; one that cannot be is what a life cycle rule of the bucket is for."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        await client.abort_multipart_upload(**upload)
    except (BotoCoreError, ClientError) as error:
        log.warning("archive.parts_left %s/%s: %s", upload["Bucket"], upload["Key"], error)
