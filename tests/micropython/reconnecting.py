# What tests of reconn=True share.

import target
from umqtt import reconnect

QUICK = {"min_delay": 0.01, "max_delay": 0.05}


class Told:
    # What the callbacks were told.
    def __init__(self):
        self.lost, self.connected, self.asked = [], [], 0

    def network(self):
        self.asked += 1


def made(server, plan="me", callback=None, **more):
    told = Told()
    keywords = dict(QUICK)
    keywords.update(more)
    client = reconnect.MQTTClient(plan, target.HOST, server.port, lost=told.lost.append, connected=told.connected.append,
                                  **keywords)
    client.set_callback(callback)
    return client, told


def connected(server, plan="me", clean_session=True, callback=None, **more):
    client, told = made(server, plan, callback, **more)
    client.connect(clean_session, timeout=10)
    return client, told


def names(server):
    return [packet.name for packet in server.log()]


def lose(client, told):
    # Until the client has seen that the Server closed the connection.
    while not told.lost:
        client.check_msg()
