# needs: layers, asyncio
# umqtt.aio: the client beside other tasks. None of them is kept from running, whatever the Server does.

import asyncio
import errno
import time

import target
from check import test, case, same, skip, run
from host import ON_BOARD, WHO, Server, ask, needs, needing
from tasks import client_of, fails, in_time
from umqtt import MQTTException
from umqtt.aio import MQTTClient


async def beside(work, turns):
    # Ten tasks that count while it goes on.
    counts = [0] * 10

    async def count(index):
        while True:
            counts[index] += 1
            await asyncio.sleep_ms(1)

    tasks = [asyncio.create_task(count(index)) for index in range(10)]
    try:
        await work
    finally:
        for task in tasks:
            task.cancel()
    same(min(counts) >= turns, True)


def round_trips(port, ssl):
    async def main():
        client = MQTTClient("aio", target.HOST, port, ssl=ssl)
        await client.connect()
        await client.subscribe("aio/#", 2)
        wanted = [("aio/%d" % (number % 3), str(number)) for number in range(30)]

        async def send():
            for number, (topic, msg) in enumerate(wanted):
                await client.publish(topic, msg, qos=number % 3)

        sender = asyncio.create_task(send())
        got = []
        async for topic, msg in client:
            got.append((topic.decode(), msg.decode()))
            if len(got) == len(wanted):
                break
        await sender
        same(sorted(got), sorted(wanted))
        await client.unsubscribe("aio/#")
        await client.disconnect()
        same(await ends(client), True)

    in_time(main())


async def ends(client):
    async for _ in client:
        return False
    return True


case("messages_go_out_and_come_in", round_trips, target.BROKER, False)
case("messages_go_out_and_come_in_under_tls", needing("tls", round_trips), target.BROKER_TLS, True)


def others_run(plan, work):
    async def main():
        client = client_of(Server(), plan)
        await beside(work(client), 20)

    in_time(main())


async def slow_connect(client):
    await client.connect()


async def slow_answers(client):
    await client.connect()
    await client.subscribe("t")
    await client.publish("t", "m", qos=2)
    await client.unsubscribe("t")


async def slow_message(client):
    await client.connect()
    await client.subscribe("t")
    async for topic, msg in client:
        same((topic, msg), (b"t", b"mno"))
        return


case("ten_tasks_run_while_connack_is_slow", others_run, "CONNECT=----------*", slow_connect)
case("ten_tasks_run_while_answers_are_slow", others_run, "SUBSCRIBE=----*;PUBLISH=----*;PUBREL=----*;UNSUBSCRIBE=----*", slow_answers)
case("ten_tasks_run_while_a_message_comes_in_parts", others_run, "SUBSCRIBE=*-30-06-00-01-74-6d-6e-6f", slow_message)


@test
def ten_tasks_publish_through_one_client():
    async def main():
        server = Server()
        client = client_of(server, "PUBLISH=-*")
        await client.connect()

        async def send(index):
            for number in range(5):
                await client.publish("t/%d" % index, str(number), qos=1)

        await asyncio.gather(*[send(index) for index in range(10)])
        same((client.stats().in_flight, len(server.log("PUBLISH"))), (0, 50))
        await client.disconnect()

    in_time(main())


@test
def a_message_longer_than_the_send_buffer_leaves_while_others_run():
    async def main():
        client = MQTTClient("aio-long", target.HOST, target.BROKER)
        await client.connect()
        await client.subscribe("aio-long", 1)
        length = 300000 if target.HOST != "10.0.2.2" else 30000
        await beside(client.publish("aio-long", bytes(length), qos=1), 0)
        async for _, msg in client:
            same(len(msg), length)
            break
        await client.disconnect()

    in_time(main())


@test
def a_refused_subscription_is_raised():
    async def main():
        client = client_of(Server(), "SUBSCRIBE=9003@80")
        await client.connect()
        await fails(client.subscribe("t"), MQTTException, 128)
        await client.publish("t", "m", qos=1)
        await client.disconnect()

    in_time(main())


@test
def a_refused_connection_is_raised():
    async def main():
        client = client_of(Server(), "CONNECT=20020005/")
        await fails(client.connect(), MQTTException, 5)
        await client.connect()
        await client.disconnect()

    in_time(main())


@test
def a_connect_that_is_refused_before_it_says_anything_keeps_no_socket():
    if ON_BOARD:
        skip("counts descriptors")

    async def main():
        client = client_of(Server(), "")
        before = ask("descriptors", WHO)
        for _ in range(5):
            await fails(client.connect(False), ValueError, "empty client_id without clean_session")
        same(ask("descriptors", WHO), before)

    in_time(main())


@test
def a_server_that_never_answers_is_timed_out():
    async def main():
        client = client_of(Server(), "CONNECT=/PUBLISH=")
        await fails(client.connect(timeout=0.3), OSError, errno.ETIMEDOUT)
        await client.connect(timeout=0.3)
        await fails(client.publish("t", "m", qos=1), OSError, errno.ETIMEDOUT)
        await client.disconnect()

    in_time(main())


@test
def a_connection_that_breaks_is_raised_by_all_who_wait():
    async def main():
        client = client_of(Server(), "PUBLISH=~/")
        await client.connect()

        async def listen():
            async for _ in client:
                pass

        waiting = [asyncio.create_task(fails(listen(), OSError, errno.ECONNRESET)),
                   asyncio.create_task(fails(client.publish("t", "m", qos=1), OSError, errno.ECONNRESET))]
        await asyncio.gather(*waiting)
        await fails(client.publish("t", "m"), OSError, errno.ENOTCONN)
        await client.connect()
        await client.publish("t", "m", qos=1)
        await client.disconnect()

    in_time(main())


@test
def keep_alive_is_looked_after_while_nobody_does_anything():
    async def main():
        server = Server()
        client = client_of(server, "me", keepalive=1)
        await client.connect()
        await asyncio.sleep(2)
        same(len(server.log("PINGREQ")) >= 1, True)
        await client.disconnect()

    in_time(main())


@test
def a_cancelled_publish_gives_its_place_back():
    async def main():
        client = client_of(Server(), "PUBLISH=--*")
        await client.connect()
        for _ in range(20):
            task = asyncio.create_task(client.publish("t", "m", qos=1))
            await asyncio.sleep_ms(2)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
        await client.publish("t", "m", qos=1)
        await client.disconnect()

    in_time(main())


@test
def a_place_that_never_comes_free_is_timed_out():
    async def main():
        client = client_of(Server(), "PUBLISH=", keepalive=None)
        await client.connect(timeout=0.1)
        for _ in range(8):
            await fails(client.publish("t", "m", qos=1), OSError, errno.ETIMEDOUT)
        await client.disconnect()

    in_time(main())


@test
def a_cancelled_exchange_that_fails_is_nobodys_affair():
    async def main():
        server = Server()
        client = client_of(server, "SUBSCRIBE.1=--9003@80;PUBLISH.1=")
        await client.connect(timeout=0.3)
        for cancelled in (client.subscribe("refused"), client.publish("unanswered", "m", qos=1)):
            task = asyncio.create_task(cancelled)
            await asyncio.sleep_ms(2)
            task.cancel()
        await asyncio.sleep_ms(500)
        await client.subscribe("t")
        for _ in range(3):
            server.send("3004" "000174" "6d")
            same(await next_of(client), (b"t", b"m"))
        await client.disconnect()

    in_time(main())


async def next_of(client):
    async for message in client:
        return message


async def while_a_publish_waits_to_be_written(then, error):
    server = Server()
    client = client_of(server, "me")
    await client.connect(timeout=0.5)
    ask("stall", server.port, "freeze")

    sent = 0

    async def publish():
        nonlocal sent
        while True:
            await client.publish("t", bytes(60000))
            sent += 1

    task = asyncio.create_task(fails(publish(), *error))
    # However much the sockets on the way take, in the end one waits.
    before = -1
    while sent > before:
        before = sent
        await asyncio.sleep_ms(200)
    await then(server, client, task)


@test
def a_cancelled_publish_leaves_the_reader_on_the_socket():
    async def then(server, client, task):
        task.cancel()
        await asyncio.sleep_ms(10)
        server.send("3004" "000174" "6d")
        same(await next_of(client), (b"t", b"m"))
        client.close()

    in_time(while_a_publish_waits_to_be_written(then, (asyncio.CancelledError, None)))


@test
def disconnect_ends_a_publish_that_waits_to_be_written_and_keeps_nobody_waiting():
    async def then(server, client, task):
        # It waits for its timeout.
        await beside(client.disconnect(), 5)
        await task

    in_time(while_a_publish_waits_to_be_written(then, (OSError, errno.ENOTCONN)))


class Counting(MQTTClient):
    asked = 0

    def finished(self, place):
        self.asked += 1
        return super().finished(place)


@test
def nobody_asks_again_before_something_has_come():
    async def main():
        client = Counting("PUBLISH=", target.HOST, Server().port)
        await client.connect(timeout=0.3)
        client.asked = 0
        await asyncio.gather(*[fails(client.publish("t", "m", qos=1), OSError, errno.ETIMEDOUT) for _ in range(3)])
        same(client.asked < 20, True)
        await client.disconnect()

    in_time(main())


@test
def tls_sleeps_while_the_server_says_nothing():
    needs("tls")

    async def main():
        client = Counting("me", target.HOST, Server("mute").port, ssl=True)
        await fails(client.connect(timeout=0.5), OSError, errno.ETIMEDOUT)
        same(client.asked < 20, True)

    in_time(main())


@test
def what_came_before_a_publish_is_handed_over_at_once():
    async def main():
        server = Server()
        client = client_of(server, "PUBLISH=", keepalive=None)
        await client.connect()

        async def send():
            server.send("3004" "000174" "6d")
            # It has come when publish() looks for PUBACK, and nobody else has looked yet.
            time.sleep_ms(50)
            await client.publish("t", "m", qos=1)

        taker = asyncio.create_task(next_of(client))
        await asyncio.sleep_ms(10)
        sender = asyncio.create_task(send())
        same(await asyncio.wait_for(taker, 5), (b"t", b"m"))
        sender.cancel()
        await client.disconnect()

    in_time(main())


@test
def no_more_is_read_than_the_limit_while_nobody_takes_it():
    async def main():
        client = client_of(Server(), "SUBSCRIBE=*[3004" "000174" "6d]{400}")
        client._limit = 4
        await client.connect()
        await client.subscribe("t")
        await asyncio.sleep_ms(100)
        same(len(client._messages) < 12, True)
        count = 0
        async for _ in client:
            count += 1
            if count == 400:
                break
        await client.disconnect()

    in_time(main())


run()
