# QuecPython's MQTTClient as its current firmware has it, on the native module: `from umqtt.quec import MQTTClient`.
#
# With keepalive, and where the port has threads, one of its own sends PINGREQ, so that a script that only publishes stays
# connected. Connecting again is done by whichever method is called next. docs/moving.md says what differs from the vendor's.

import sys
import time
from errno import ECONNRESET

from umqtt import MQTTException, reconnect

try:
    import _thread
except ImportError:
    _thread = None

# What a read and a write raise when the Server has closed the connection; not every port's errno has EPIPE.
_BY_SERVER = (ECONNRESET, 32)


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
        self._waiting = 0
        # Of connect() and disconnect(): the thread of an earlier one ends.
        self._turn = 0

    def set_callback(self, callback):
        super().set_callback(callback and _careful(callback))

    # callback(text): "reconnect_start" and "reconnect_success"; without reconn, what the thread or publish() ran into.
    def error_register_cb(self, callback):
        self._tell = callback

    def connect(self, clean_session=True):
        self._over = self._again = False
        try:
            super().connect(clean_session)
        except (OSError, MQTTException) as reason:
            raise ValueError("MQTT Connect error='%s' FAIL" % reason.args[0])
        self._wanted = self.reconn
        self._turn += 1
        if _thread and self.keepalive:
            _thread.start_new_thread(self._keep_alive, (self._turn,))
        return 0

    def disconnect(self):
        self._state, self._over = -1, True
        self._turn += 1
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
            self._fail(reason)
        return False

    # Comes back when another thread disconnects.
    def wait_msg(self):
        self._waiting += 1
        try:
            super().wait_msg()
        except OSError:
            if not self._over:
                raise
        finally:
            self._waiting -= 1

    def _keep_alive(self, turn):
        while True:
            for _ in range(self.keepalive - 3):
                time.sleep(1)
                if turn != self._turn:
                    return
            # wait_msg() sends PINGREQ itself, and an answer to this one would end it.
            if self.socket() is None or self._waiting:
                continue
            try:
                super(reconnect.MQTTClient, self).ping()
            except (OSError, MQTTException) as reason:
                self._fail(reason)

    # For what raises nothing.
    def _fail(self, reason):
        try:
            self._note(reason)
        except (OSError, MQTTException):
            if self._tell and not self._wanted:
                self._tell(str(reason))

    def _open(self):
        self._state = 1
        try:
            super()._open()
        finally:
            self._state = -1 if self.socket() is None else 0

    def _note(self, reason):
        if self._state == 0 and self.socket() is None:
            by_server = isinstance(reason, MQTTException) or reason.args[0] in _BY_SERVER
            self._state = 2 if by_server else -1
        super()._note(reason)

    def _on_lost(self, _reason):
        self._again = True
        if self._tell:
            self._tell("reconnect_start")

    def _on_connected(self, _present):
        self._state = 0
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
