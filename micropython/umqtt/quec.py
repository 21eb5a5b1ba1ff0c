# QuecPython's MQTTClient as its current firmware has it, on the native module: `from umqtt.quec import MQTTClient`.
#
# There is no thread in it. What the vendor's thread does (PINGREQ, connecting again) is done by whichever method is called
# next; docs/moving.md says what follows from that, and what else differs.

import sys
from errno import ECONNRESET

from umqtt import MQTTException, reconnect


class MQTTClient(reconnect.MQTTClient):
    # version, pingmaxnum, manage and ipvtype are taken and change nothing: it is always MQTT 3.1.1, which each Server of our days
    # knows; one PINGREQ without an answer is the end; subscriptions are restored at once; all addresses of a name are tried.
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0, ssl=False, ssl_params={},
                 reconn=True, version=4, pingmaxnum=0, manage=False, ipvtype=0):
        if 0 < keepalive < 5:
            raise ValueError("keepalive must be 0 or at least 5")
        if version not in (3, 4):
            raise ValueError("version must be 3 or 4")
        super().__init__(client_id, server, port, user or None, password or None, keepalive or None, ssl, ssl_params,
                         min_delay=5, lost=self._on_lost, connected=self._on_connected)
        self.reconn = reconn
        self.keepalive = keepalive
        self._tell = None
        self._state = -1
        self._over = self._again = False

    def set_callback(self, callback):
        super().set_callback(callback and _careful(callback))

    # callback(text): "reconnect_start" and "reconnect_success"; without reconn, why publish() came back with False.
    def error_register_cb(self, callback):
        self._tell = callback

    def connect(self, clean_session=True):
        self._over = self._again = False
        try:
            super().connect(clean_session)
        except (OSError, MQTTException) as reason:
            raise ValueError("MQTT Connect error='%s' FAIL" % reason.args[0])
        self._wanted = self.reconn
        return 0

    def disconnect(self):
        self._state, self._over = -1, True
        super().disconnect()

    # Closes without DISCONNECT.
    def close(self):
        self._state = -1
        super().close()

    # 0: connected, 1: connecting, 2: the Server ended the connection, -1: there is none.
    def get_mqttsta(self):
        return self._state

    def ping(self):
        if self.keepalive:
            super().ping()

    # False: not sent, or not acknowledged. Makes at most one attempt to connect, and waits for nothing before it.
    def publish(self, topic, msg, retain=False, qos=0):
        try:
            if self._wanted and not self._try():
                return False
            super(reconnect.MQTTClient, self).publish(topic, msg, retain, qos)
            return True
        except (OSError, MQTTException) as reason:
            try:
                self._note(reason)
            except (OSError, MQTTException):
                if self._tell and not self._wanted:
                    self._tell(str(reason))
        return False

    # Comes back when another thread disconnects.
    def wait_msg(self):
        try:
            super().wait_msg()
        except OSError:
            if not self._over:
                raise

    def _open(self):
        self._state = 1
        try:
            super()._open()
        finally:
            self._state = -1 if self.sock is None else 0

    def _note(self, reason):
        if self._state == 0 and self.sock is None:
            by_server = isinstance(reason, MQTTException) or reason.args[0] == ECONNRESET
            self._state = 2 if by_server else -1
        super()._note(reason)

    def _on_lost(self, _reason):
        self._again = True
        if self._tell:
            self._tell("reconnect_start")

    def _on_connected(self, _present):
        if self._again:
            self._again = False
            if self._tell:
                self._tell("reconnect_success")


# What the callback raises is printed, and goes no further.
def _careful(callback):
    def call(topic, msg):
        try:
            callback(topic, msg)
        except Exception as error:
            sys.print_exception(error)
    return call
