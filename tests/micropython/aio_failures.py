# needs: layers, asyncio
# umqtt.aio when reading fails: nobody goes on waiting for what nobody reads.

import asyncio
import errno
import gc

from check import test, same, run
from host import ON_BOARD, WHO, Server, ask
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


def leave_by_ctrl_c(client, server):
    # With a reader, a publish that waits to be written, one that waits for its answer, and Keep Alive.
    async def main():
        await client.connect(timeout=20)
        for work in (next_message(client), client.publish("t", "m", qos=1)):
            asyncio.create_task(work)
        await asyncio.sleep_ms(10)
        ask("stall", server.port, "freeze")
        for _ in range(2):
            asyncio.create_task(publish_much(client))
        await asyncio.sleep_ms(100)
        ask("interrupt", WHO, 50)
        await asyncio.sleep(40)

    try:
        in_time(main())
    except KeyboardInterrupt:
        return
    raise AssertionError("no Ctrl-C")


async def next_message(client):
    return await client.__anext__()


async def publish_much(client):
    while True:
        await client.publish("t", bytes(60000))


@test
def after_ctrl_c_a_new_event_loop_can_connect_again():
    server = Server()
    client = client_of(server, "PUBLISH.1=/", keepalive=60)

    async def main():
        await client.connect()
        # So long that it waits to be written.
        await client.publish("t", bytes(60000 if ON_BOARD else 4000000), qos=1)
        server.send("3004" "000174" "6d")
        same(await client.__anext__(), (b"t", b"m"))
        await client.disconnect()

    for _ in range(3):
        leave_by_ctrl_c(client, server)
        in_time(main())


@test
def an_error_that_is_raised_again_and_again_takes_no_memory():
    async def main():
        client = client_of(Server(), "PINGREQ=~")
        await client.connect()
        client.ping()
        for round in range(1000):
            await fails(client.__anext__(), OSError, errno.ECONNRESET)
            if round in (100, 999):
                gc.collect()
                taken.append(gc.mem_alloc())

    taken = []
    in_time(main())
    same(taken[1] - taken[0] < 4000, True)


@test
def connect_says_disconnect_on_the_connection_before():
    # So that the Server publishes no Will.
    async def main():
        server = Server()
        client = client_of(server, "me")
        await client.connect()
        await client.connect()
        await client.publish("t", "m", qos=1)
        same([packet.connection for packet in server.wait("DISCONNECT")], [1])
        await client.disconnect()

    in_time(main())


@test
def a_connect_that_fails_leaves_no_connection_that_nobody_reads():
    async def main():
        client = client_of(Server(), "me")
        await client.connect()
        address = client._address
        client._address = "not a name", 1883
        try:
            await client.connect()
        except OSError:
            pass
        same(client.socket(), None)
        client._address = address
        await client.connect()
        await client.publish("t", "m", qos=1)
        await client.disconnect()

    in_time(main())


@test
def a_disconnect_that_is_cancelled_leaves_none_either():
    async def main():
        server = Server()
        client = client_of(server, "me")
        await client.connect()
        ask("stall", server.port, "freeze")
        task = asyncio.create_task(publish_much(client))
        await asyncio.sleep_ms(300)
        task.cancel()
        leaving = asyncio.create_task(client.disconnect())
        await asyncio.sleep_ms(0)
        leaving.cancel()
        try:
            await leaving
        except asyncio.CancelledError:
            pass
        same(client.socket(), None)

    in_time(main())


@test
def in_another_event_loop_than_connect_was_there_is_no_connection():
    server = Server()
    client = client_of(server, "me")

    async def main():
        await fails(client.publish("t", "m", qos=1), OSError, errno.ENOTCONN)
        await fails(client.__anext__(), OSError, errno.ENOTCONN)
        await client.connect()
        await client.publish("t", "m", qos=1)
        await client.disconnect()

    in_time(client.connect())
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
