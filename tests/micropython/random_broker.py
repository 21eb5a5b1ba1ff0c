# needs: unix
# Random calls against an honest mosquitto, through a link that breaks: what the client publishes comes back to itself.
#
# At qos 2 once and once only, at qos 1 at least once, octet for octet, over all connections of its session. proxy.py is the link.

import time

import target
from check import case, run
from device import passed
from host import ask, needing, octets
from random_calls import Chance, Mishap, tell_round
from random_content import number_of, payload_of, sizes, topic_of
from umqtt import MQTTClient

COUNT, CALLS = 3, 80
if target.SOAK:
    COUNT *= 40
LONGEST = 20000
# Places for messages: what publish() raised about may hold one of them.
PLACES = 5


class Echo:
    def __init__(self, seed, keywords):
        self.chance, self.seed = Chance(seed), seed
        # Each round has topics of its own, on which nothing of an earlier one comes.
        self.side = b"random%d" % seed
        self.port = int(ask("proxy", keywords.pop("broker"), *keywords.pop("sealed"))[0])
        self.number, self.errors, self.in_flight, self.depth = 0, 0, 0, 0
        self.qos, self.count, self.published = [0], bytearray(1), bytearray(1)
        self.client = MQTTClient("random-broker-%d-%s" % (seed, "ssl" in keywords), target.HOST, self.port, **keywords)
        self.client.set_callback(self.callback)

    def callback(self, topic, msg):
        number = number_of(self.side, topic, msg)
        self.count[number] += 1
        if self.depth < 2 and self.chance.once_in(6) and self.number < CALLS:
            self.depth += 1
            try:
                self.publish(self.chance.below(3))
            finally:
                self.depth -= 1
        elif self.chance.once_in(40):
            raise Mishap

    def works(self, call, *arguments):
        try:
            call(*arguments)
        except Mishap:
            return False
        except OSError:
            self.errors += 1
            return False
        return True

    def connect(self):
        for _ in range(100):
            if self.chance.below(8):
                direction, most = (("up", 3000), ("down", 9000))[self.chance.below(2)]
                ask("fault", self.port, "cut", direction, self.chance.below(most), ("rst", "fin")[self.chance.below(2)])
            if self.works(lambda: self.client.connect(False, timeout=10)):
                return
        raise AssertionError("no connection came of 100 attempts")

    def publish(self, qos):
        self.number += 1
        number = self.number
        self.qos.append(qos)
        self.count += b"\0"
        self.published += b"\0"
        topic_len, payload_len = sizes(self.chance.below, LONGEST)
        lengths = max(topic_len, len(self.side) + 30), payload_len
        self.in_flight += qos > 0
        self.client.publish(topic_of(self.side, number, *lengths), payload_of(number, *lengths), False, qos)
        self.in_flight -= qos > 0
        self.published[number] = 1

    def surely(self, call, *arguments):
        while not self.works(call, *arguments):
            if not self.works(self.client.check_msg):
                self.connect()

    def step(self):
        kind = self.chance.below(8)
        call = self.client.check_msg if kind > 4 else lambda: self.publish(kind % 3)
        if self.works(call):
            return
        if not self.works(self.client.check_msg):
            self.connect()
        if self.in_flight >= PLACES - 2:
            # Its answer comes behind those to what went out again.
            self.surely(self.client.subscribe, self.side + b"/#", 2)
            self.in_flight = 0

    def missing(self):
        return [number for number in range(1, self.number + 1)
                if self.qos[number] and self.published[number] and not self.count[number]]

    def play(self):
        self.connect()
        self.surely(self.client.subscribe, self.side + b"/#", 2)
        while self.number < CALLS:
            self.step()
        # A callback that raised left its message to the next connection.
        self.client.disconnect()
        self.connect()
        begun = time.ticks_ms()
        while self.missing():
            self.surely(self.client.check_msg)
            if time.ticks_diff(time.ticks_ms(), begun) > 20000:
                raise AssertionError("messages %s did not come back" % self.missing()[:9])
        self.surely(self.client.unsubscribe, self.side + b"/#")
        self.client.disconnect()


def echoes(count, keywords):
    totals = [0, 0, 0]
    for number in range(count):
        seed = target.SEED + number
        tell_round(seed)
        echo = Echo(seed, dict(keywords))
        echo.play()
        check_counts(echo, ask("mistakes", echo.port) if keywords["sealed"] == () else None)
        links = passed(echo.port)
        found = echo.number, len(links), len([one for one in links if one[2] == "cut"])
        totals = [total + more for total, more in zip(totals, found)]
    return "(seeds %d to %d: %d messages, %d connections, %d cut)" % ((target.SEED, target.SEED + count - 1) + tuple(totals))


def check_counts(echo, mistakes):
    # proxy.py says which mistakes are those of the broker.
    forgiven = []
    for payload in mistakes or ():
        start = octets(payload[:8])
        forgiven.append(start[0] << 24 | start[1] << 16 | start[2] << 8 | start[3])
    for number in range(1, echo.number + 1):
        if echo.qos[number] == 2 and echo.count[number] > 1 and mistakes is not None and number not in forgiven:
            raise AssertionError("message %d at qos 2 came back %d times" % (number, echo.count[number]))
        if echo.qos[number] == 0 and echo.count[number] > 1:
            raise AssertionError("message %d at qos 0 came back %d times" % (number, echo.count[number]))


PLAIN = {"broker": target.BROKER, "sealed": ()}
TLS = {"broker": target.BROKER_TLS, "sealed": ("sealed",), "ssl": True}
case("mosquitto_over_links_that_break", echoes, COUNT, PLAIN)
case("mosquitto_over_links_that_break_under_tls", needing("tls", echoes), max(1, COUNT // 3), TLS)

run()
