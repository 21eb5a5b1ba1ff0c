# Both sides of a link that fails: a client that does what a user's script has to do about it, and who watches the far side.

import target
from host import Inbox, ask, hexed
from umqtt import MQTTClient


def passed(port):
    # (octets up, octets down, "cut" or "whole") of each connection through a proxy.
    return [(int(line.split()[0]), int(line.split()[1]), line.split()[2]) for line in ask("links", port)]


class Link:
    # A link to mosquitto, and a mosquitto_sub on the far side of it that notes what arrives.
    def __init__(self, name, port=None):
        self.name, self.broker = name, port or target.BROKER
        self.port = int(ask("proxy", self.broker)[0])
        self.listen()

    def listen(self, *session):
        self.far = ask("subscribe", self.broker, hexed("link/%s/up/#" % self.name), 2, *session)[0]

    def fault(self, *words):
        ask("fault", self.port, *words)

    def publish(self, topic, msg, qos):
        ask("publish", self.broker, hexed(topic), qos, 0, hexed(msg))

    def arrived(self):
        # (topic, payload) of all that came up.
        end = "link/%s/up/end" % self.name
        self.publish(end, "end", 2)
        lines = [line.split(" ") for line in ask("received_until", self.far, hexed(end))]
        return [(words[0], words[4]) for words in lines[:-1]]


class Device:
    # A client that does what a user's script has to do about a link that breaks: connect again, and go on.
    def __init__(self, port, place, name, **keywords):
        self.up, self.down = "link/%s/up/%s" % (place, name), "link/%s/down/%s" % (place, name)
        self.errors, self.most, self.inbox = 0, 50, Inbox()
        self.timeout = keywords.pop("timeout", 10)
        self.client = MQTTClient("link-%s-%s" % (place, name), target.HOST, port, **keywords)
        self.client.set_callback(self.inbox)

    def connect(self):
        # However often it has to, but a broker may leave a session behind in a state that gets no client any further.
        if self.errors > self.most:
            raise AssertionError("%s does not get on" % self.up)
        while not self.works(self.client.connect, False, timeout=self.timeout):
            pass

    def works(self, call, *arguments, **keywords):
        try:
            call(*arguments, **keywords)
        except OSError:
            self.errors += 1
            return False
        return True

    def once(self, call, *arguments):
        # For publish(): what it could not deliver goes out by itself.
        if not self.works(call, *arguments):
            self.connect()

    def surely(self, call, *arguments):
        while not self.works(call, *arguments):
            self.connect()

    def received(self, *wanted):
        while not all([msg in self.messages() for msg in wanted]):
            self.once(self.client.wait_msg)

    def messages(self):
        return [msg for topic, msg in self.inbox.messages]


def session(link, name, kind=Device, **keywords):
    # All that a client does, once.
    device = kind(link.port, link.name, name, **keywords)
    device.connect()
    device.surely(device.client.subscribe, device.down, 2)
    link.publish(device.down, "down 1", 1)
    link.publish(device.down, "down 2", 2)
    device.once(device.client.publish, device.up, "up 1", False, 1)
    device.once(device.client.publish, device.up, "up 2", False, 2)
    device.received(b"down 1", b"down 2")
    # Its answer comes behind those to what went out again.
    device.surely(device.client.unsubscribe, device.down)
    device.client.disconnect()
    return device


def guaranteed(link, devices):
    arrived = link.arrived()
    for device in devices:
        got = device.messages()
        counts = [got.count(b"down 1"), got.count(b"down 2")]
        counts += [arrived.count((device.up, hexed("up 1"))), arrived.count((device.up, hexed("up 2")))]
        # Once, or at least once: what is too much of qos 1 does not count.
        if [min(counts[0], 1), counts[1], min(counts[2], 1), counts[3]] != [1, 1, 1, 1]:
            raise AssertionError("%s: down 1, down 2, up 1, up 2 arrived %s times" % (device.up, counts))
