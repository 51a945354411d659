"""Makes clients for S3 and other services of AWS: credentials by environment, profile or role, timeouts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Annotated, Any

from pydantic import StringConstraints

CONNECT_S = 5
READ_S = 8
ATTEMPTS = 3
SESSION_NAME = "lenshub"
USER_AGENT = "LensHub"

Region = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]$")]
"""A region's name as botocore takes it: it becomes part of a host's name."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a service.

    Args:
        endpoint_url: None for AWS.
        profile: A profile of the AWS configuration files; None for the usual environment.
        role_arn: A role to assume with these credentials.
        external_id: What the role's owner asks for.
        connections: How many requests may be under way.
    """

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    connections: int = 32


@asynccontextmanager
async def make_client(
    access: Access, service: str = "s3", *, attempts: int = ATTEMPTS, read_s: float | None = None
) -> AsyncIterator[Any]:
    """Open a client; credentials are looked up at its first request.

    Args:
        attempts: How often a request is made; 1 where each is paid for.
        read_s: How long an answer may take; None: READ_S.
    """
    await asyncio.to_thread(import_module, "aiobotocore.httpsession")  # a second, that the loop need not wait
    from aiobotocore.config import AioConfig
    from aiobotocore.session import AioSession

    config = AioConfig(
        user_agent=USER_AGENT,  # botocore's own is composed anew for each request
        connect_timeout=CONNECT_S,
        read_timeout=read_s or READ_S,
        max_pool_connections=access.connections,
        retries={"mode": "standard", "total_max_attempts": attempts},
        # Other stores than AWS know neither host-style buckets nor the newer checksums.
        s3={"addressing_style": "path" if access.endpoint_url else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    session = AioSession(profile=access.profile)
    parsers = session.get_component("response_parser_factory")
    parsers.create_parser = cache(parsers.create_parser)  # else one a request, that only the collector frees
    if access.role_arn is not None:
        _assume_role(session, access)
    making: AbstractAsyncContextManager[Any] = session.create_client(
        service, region_name=access.region, endpoint_url=access.endpoint_url, config=config
    )
    async with making as client:
        yield client


def _assume_role(session: Any, access: Access) -> None:
    """Put the role in front of what the session would use; botocore renews it before it ends."""
    from aiobotocore.credentials import AioAssumeRoleCredentialFetcher, AioDeferredRefreshableCredentials
    from aiobotocore.session import AioSession

    source = AioSession(profile=access.profile)
    arguments = {"RoleSessionName": SESSION_NAME}
    if access.external_id is not None:
        arguments["ExternalId"] = access.external_id

    def create_client(service: str, **options: Any) -> Any:
        return source.create_client(service, region_name=access.region, **options)

    class Role:
        METHOD = CANONICAL_NAME = "lenshub-role"

        async def load(self) -> Any:
            found = await source.get_credentials()
            if found is None:
                return None  # botocore then says that there are none
            fetcher = AioAssumeRoleCredentialFetcher(
                create_client, found, access.role_arn, extra_args=arguments
            )
            return AioDeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    resolver = session.get_component("credential_provider")
    resolver.providers[:] = [Role()]
