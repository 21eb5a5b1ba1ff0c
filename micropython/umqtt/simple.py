# umqtt.simple as micropython-lib has it, on the native module: its names, its return values, its assertions.
#
# What connect() needs it takes from the attributes, so a script may set them at any time before. Each connection is a
# native client of its own: nothing is sent again behind the script's back. docs/moving.md lists what differs.

import umqtt
from umqtt import MQTTException


class MQTTClient:
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0, ssl=None, ssl_params={}):
        self.client_id = client_id
        self.server = server
        self.port = port or (8883 if ssl else 1883)
        self.user = user
        self.pswd = password
        self.keepalive = keepalive
        self.ssl = ssl
        self.ssl_params = ssl_params
        self.cb = None
        self.lw_topic = None
        self.lw_msg = None
        self.lw_qos = 0
        self.lw_retain = False
        self.sock = None
        self._mqtt = None
        self._op = None

    def set_callback(self, f):
        self.cb = f
        if self._mqtt:
            self._mqtt.set_callback(f and self._deliver, flags=True)

    def set_last_will(self, topic, msg, retain=False, qos=0):
        assert 0 <= qos <= 2
        assert topic
        self.lw_topic = topic
        self.lw_msg = msg
        self.lw_qos = qos
        self.lw_retain = retain

    def connect(self, clean_session=True, timeout=None):
        assert 0 <= self.keepalive < 65536
        if self._mqtt:
            # Without DISCONNECT, so the broker publishes the will of a connection that is given up.
            self._mqtt.close()
        # No password without a user, and no Keep Alive instead of the native module's default.
        password = self.pswd if self.user else None
        self._mqtt = umqtt.MQTTClient(self.client_id, self.server, self.port, self.user or None, password,
                                      self.keepalive or None, self.ssl, self.ssl_params)
        self._mqtt.set_callback(self.cb and self._deliver, flags=True)
        if self.lw_topic:
            self._mqtt.set_last_will(self.lw_topic, self.lw_msg, self.lw_retain, self.lw_qos)
        self._mqtt.connect(clean_session, timeout=timeout)
        self.sock = self._mqtt.socket()
        return int(self._mqtt.stats().session_present)

    def disconnect(self):
        self._mqtt.disconnect()

    def ping(self):
        self._mqtt.ping()

    def publish(self, topic, msg, retain=False, qos=0):
        assert qos < 2
        self._mqtt.publish(topic, msg, retain, qos)

    def subscribe(self, topic, qos=0):
        assert self.cb is not None, "Subscribe callback is not set"
        self._mqtt.subscribe(topic, qos)

    def unsubscribe(self, topic):
        self._mqtt.unsubscribe(topic)

    # The first octet of the PUBLISH that was delivered, or None for a PINGRESP.
    def wait_msg(self):
        self._op = None
        self._mqtt.wait_msg()
        return self._op

    # The same, or None at once if no whole message has come.
    def check_msg(self):
        self._op = None
        self._mqtt.check_msg()
        return self._op

    def _deliver(self, topic, msg, flags):
        self._op = 0x30 | flags
        self.cb(topic, msg)
