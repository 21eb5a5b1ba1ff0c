# needs: faults
# MQTTClient(..., reconn=True) connects again with an error at every point: of the system's calls, of memory, or Ctrl-C.

import errno
import time

import faults
import target
from check import case, same, run
from faulty import Bench, each_point
from umqtt import MQTTException, reconnect

FILTERS = {"first": 1, "second/#": 2}
ERRORS = (errno.EIO, errno.ECONNRESET, errno.EAGAIN, errno.ENOMEM)


class Again(Bench):
    # A client that connects again by itself: when it is connected, what it had subscribed to is subscribed to.
    def make(self):
        self.client = reconnect.MQTTClient(self.name, target.HOST, self.server.port, min_delay=0.001, max_delay=0.002)
        self.client.set_callback(self.callback)

    def connect(self):
        super().connect()
        if not self.client.stats().packets_out > 1:
            for topic in FILTERS:
                self.client.subscribe(topic, FILTERS[topic])

    def is_connected(self):
        return self.client.socket() is not None

    def check_in_step(self, mark):
        super().check_in_step(mark)
        newest = len(self.server.connections())
        restored = [packet for packet in self.server.log("SUBSCRIBE", 8) if packet.connection == newest]
        same(len(restored), len(FILTERS))


def break_it(bench):
    bench.connects = bench.client.stats().connects
    bench.server.send("~")


def publish_again(bench):
    bench.client.publish("t", "m", qos=1)


def check_again(bench):
    while bench.client.stats().connects == bench.connects:
        time.sleep_ms(3)
        bench.client.check_msg()


def fails(before, action, arm, allowed):
    points = each_point({}, before, action, arm, (OSError, MQTTException) + allowed, make=Again)
    return "(%d points)" % points


for name, action in (("publish", publish_again), ("check_msg", check_again)):
    name += "_that_connects_again_"
    for error in ERRORS:
        case("%swith_errno_%d_from_one_call" % (name, error), fails, break_it, action,
             lambda k, error=error: faults.call(k, error, False), ())
    case(name + "with_ctrl_c_at_one_point", fails, break_it, action, faults.interrupt, (KeyboardInterrupt,))
    for goes_on, which in ((False, "one_allocation"), (True, "an_allocation_and_all_after_it")):
        case("%swithout_memory_for_%s" % (name, which), fails, break_it, action,
             lambda k, goes_on=goes_on: faults.allocation(k, goes_on), (MemoryError,))

run()
