# needs: faults, layers
# umqtt.aio with an error from each call of the system in turn: in a new loop the client is fit to connect.

import asyncio
import errno

import faults
import target
from check import case, run
from faulty import ECHO, Bench, each_point, message
from umqtt import MQTTException
from umqtt.aio import MQTTClient


class Tasks(Bench):
    def make(self):
        self.client = MQTTClient(self.name, target.HOST, self.server.port)

    def run(self, coroutine):
        return asyncio.run(asyncio.wait_for(coroutine, 20))

    def connect(self):
        # What broke off in the loop itself has left tasks behind that no queue knows.
        asyncio.new_event_loop()
        self.run(self.client.connect(timeout=5))

    def is_connected(self):
        return self.client.socket() is not None

    def check_sound(self, mark):
        # In every case: whether it was the loop itself that broke off is not to be seen from outside.
        self.connect()
        self.check_in_step(mark)

    def check_in_step(self, mark):
        self.run(self.in_step(mark))

    async def in_step(self, mark):
        for qos in (1, 2):
            text = b"in step %d, %d" % (mark, qos)
            await self.client.publish("t", text, False, qos)
            while (await self.client.__anext__())[1] != text:
                pass


def nothing(bench):
    pass


def disconnect(bench):
    bench.run(bench.client.disconnect())


def send(bench):
    bench.server.send(message(1, b"t", b"short"))


def connect(bench):
    asyncio.run(bench.client.connect(timeout=5))


def publish(qos):
    return lambda bench: asyncio.run(bench.client.publish("t", "m", False, qos))


def subscribe(bench):
    asyncio.run(bench.client.subscribe("t/+", 2))


def take(bench):
    asyncio.run(bench.client.__anext__())


def fails(before, action, arm, allowed):
    return "(%d points)" % each_point({}, before, action, arm, allowed, make=Tasks)


ACTIONS = [("connect", disconnect, connect), ("subscribe", nothing, subscribe), ("iteration", send, take),
           ("disconnect", nothing, disconnect)]
for qos in (0, 1, 2):
    ACTIONS.append(("publish_at_qos_%d" % qos, nothing, publish(qos)))
for name, before, action in ACTIONS:
    for error in (errno.EIO, errno.ECONNRESET):
        case("%s_with_errno_%d_from_one_call" % (name, error), fails, before, action,
             lambda k, error=error: faults.call(k, error, False), (OSError, MQTTException))

run()
