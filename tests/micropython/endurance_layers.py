# needs: layers, asyncio
# As endurance.py, with the layers that have tasks, or connections of their own making.

import asyncio

import target
from check import case, same, run
from enduring import LONG, ROUNDS, Chance, Interrupted, Mishap, interruptions
from host import WHO, Server, reply, request
from umqtt import aio, reconnect


class Again(Interrupted):
    # Connects again by itself.
    def make(self, plan):
        return reconnect.MQTTClient(plan, target.HOST, self.server.port, min_delay=0.001, max_delay=0.002)

    def work(self):
        # Never waits for a message: a connection that breaks may take it along.
        chance, client, long = self.chance, self.client, bytes(LONG)
        while True:
            client.publish("t", "m" if chance.below(2) else long, False, chance.below(3))
            client.check_msg()

    def lost(self):
        self.server.send("~")
        self.exception()


class Tasks(Interrupted):
    # Three tasks that publish and one that reads, in a loop that goes on from round to round, but after Ctrl-C. A task keeps
    # the others of its loop, and what they have in hand.
    kept = 4 * LONG

    def __init__(self):
        self.server = Server()
        self.last, self.raises = None, False
        self.client = aio.MQTTClient("PUBLISH=*&", target.HOST, self.server.port, keepalive=60)
        self.chance = Chance(target.SEED)

    async def publish(self):
        chance, client, long = self.chance, self.client, bytes(LONG)
        while True:
            await client.publish("t", "m" if chance.below(2) else long, False, chance.below(3))

    async def read(self):
        async for topic, msg in self.client:
            self.callback(topic, msg)

    async def connect(self):
        if self.client.socket() is None:
            await self.client.connect(timeout=30)

    async def work(self, interrupt):
        await self.connect()
        works = (self.publish(), self.publish(), self.publish(), self.read())
        tasks = [asyncio.create_task(quietly(work)) for work in works]
        try:
            await interrupt(tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def cancel(self, tasks):
        for _ in range(4):
            await asyncio.sleep_ms(self.chance.below(4))
            tasks[self.chance.below(4)].cancel()

    async def fail(self, _tasks):
        self.raises = True
        while self.raises:
            await asyncio.sleep_ms(1)

    async def break_off(self, _tasks):
        await asyncio.sleep_ms(self.chance.below(4))
        self.server.send("~")
        await asyncio.sleep_ms(self.chance.below(4))

    async def connect_again(self, _tasks):
        await asyncio.sleep_ms(self.chance.below(4))
        await self.client.connect(self.chance.below(2) == 0, timeout=30)

    async def wait_for_ctrl_c(self, _tasks):
        # Its reply is read when Ctrl-C has come.
        request("interrupt", WHO, 20 + self.chance.below(8))
        await asyncio.sleep(50)

    def cancelled(self):
        asyncio.run(self.work(self.cancel))

    def exception(self):
        asyncio.run(self.work(self.fail))

    def lost(self):
        asyncio.run(self.work(self.break_off))

    def broken(self):
        asyncio.run(self.work(self.connect_again))

    def ctrl_c(self):
        try:
            asyncio.run(self.work(self.wait_for_ctrl_c))
        except KeyboardInterrupt:
            asyncio.new_event_loop()
            self.client.close()
        reply()

    async def in_step(self, msg, qos):
        reader = asyncio.create_task(quietly(self.read()))
        try:
            await self.client.publish("t", msg, False, qos)
            while self.last != msg:
                await asyncio.sleep_ms(1)
        finally:
            reader.cancel()

    async def comes_in_step(self, msg, qos):
        while True:
            await self.connect()
            try:
                return await self.in_step(msg, qos)
            except OSError:
                # It was broken, which nobody had seen yet.
                same(self.client.socket(), None)

    def check_in_step(self, mark):
        for qos in (1, 2):
            asyncio.run(self.comes_in_step(b"%d, %d" % (mark, qos), qos))


async def quietly(work):
    try:
        await work
    except (OSError, Mishap):
        pass


case("interruptions_of_reconn_leave_memory_as_it_was", interruptions, Again, ["ctrl_c", "exception", "no_memory", "lost"], ROUNDS)
case("interruptions_of_tasks_leave_memory_as_it_was", interruptions, Tasks,
     ["cancelled", "exception", "lost", "broken", "ctrl_c"], ROUNDS)

run()
