# What tests of tasks share.

import asyncio

import check
import target
from umqtt.aio import MQTTClient


def client_of(server, plan, **keywords):
    return MQTTClient(plan, target.HOST, server.port, **keywords)


def in_time(coroutine):
    # What hangs fails by itself, and leaves no task to the next test.
    asyncio.new_event_loop()
    return asyncio.run(asyncio.wait_for(coroutine, 50))


async def fails(awaitable, error, argument):
    try:
        await awaitable
    except error as raised:
        check.same(raised.args[0], argument)
        return
    raise AssertionError("nothing was raised")
