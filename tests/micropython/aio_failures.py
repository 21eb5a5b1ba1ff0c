# needs: layers
# umqtt.aio when reading fails: nobody goes on waiting for what nobody reads.

import asyncio
import errno
import gc

from check import test, same, run
from host import Server
from tasks import client_of, fails, in_time

# Too long for what is left of a heap without this much in one piece.
LONG = 60000


@test
def a_message_that_does_not_fit_is_raised_and_the_next_one_comes():
    async def main():
        server = Server()
        client = client_of(server, "me")
        await client.connect()
        taken = []
        gc.collect()
        try:
            while True:
                taken.append(bytearray(LONG // 2))
        except MemoryError:
            pass
        server.send("30e3d403" "000174" "61{%d}" % LONG)
        server.send("3004" "000174" "6d")
        got = []
        try:
            while b"m" not in got:
                try:
                    got.append((await asyncio.wait_for(client.__anext__(), 10))[1])
                except MemoryError:
                    got.append(None)
        finally:
            taken.clear()
        same(got, [None, b"m"])
        await client.publish("t", "m", qos=1)
        await client.disconnect()

    in_time(main())


@test
def what_ends_the_reading_ends_the_connection():
    # Whatever it is: those who wait are told, and nobody waits for what nobody reads.
    async def main():
        client = client_of(Server(), "PINGREQ=3004" "000174" "6d")
        await client.connect()
        client.set_callback(fail)
        client.ping()
        await fails(client.__anext__(), ValueError, "mishap")
        await fails(client.publish("t", "m"), OSError, errno.ENOTCONN)
        await client.connect()
        await client.publish("t", "m", qos=1)
        await client.disconnect()

    def fail(topic, msg):
        raise ValueError("mishap")

    in_time(main())


@test
def a_message_that_comes_with_an_answer_is_not_slept_over():
    # Nothing comes after it that would wake who reads.
    async def main():
        client = client_of(Server(), "PUBLISH=4002@3004" "000174" "6d")
        await client.connect()
        for _ in range(20):
            await client.publish("t", "m", qos=1)
            same(await asyncio.wait_for(client.__anext__(), 5), (b"t", b"m"))
        await client.disconnect()

    in_time(main())


run()
