"""Somebody who hears what is published, for the console's live streams."""

import random

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

from analytics.valkey.url import Kind, ValkeyUrl, parse


async def listener(url: str, *, connect_timeout: float) -> Redis:
    """A client of one server, to close after use. In a cluster any node will do: each hears everything.

    Seconds. Raises redis.RedisError, OSError, ValkeyUrlError.
    """
    where = parse(url)
    if where.kind is Kind.SERVER:
        return Redis.from_url(url, socket_connect_timeout=connect_timeout)
    if where.kind is Kind.SENTINEL:
        address = await _primary(where, connect_timeout)
        return Redis.from_url(where.node(address), socket_connect_timeout=connect_timeout)
    hosts = random.sample(where.hosts, len(where.hosts))
    for host in hosts:
        client = Redis.from_url(where.node(host), socket_connect_timeout=connect_timeout)
        try:
            await client.ping()
        except (RedisError, OSError):
            await client.aclose()
            if host == hosts[-1]:
                raise
        else:
            return client
    raise AssertionError


async def _primary(where: ValkeyUrl, patience: float) -> tuple[str, int]:
    sentinels = Sentinel([])  # type: ignore[no-untyped-call]
    sentinels.sentinels = [
        Redis.from_url(
            where.sentinel(host),
            username=where.sentinel_user or None,
            password=where.sentinel_password or None,
            socket_connect_timeout=patience,
            socket_timeout=patience,
        )
        for host in where.hosts
    ]
    async with sentinels:
        host, port = await sentinels.discover_master(where.service)
        return str(host), int(port)
