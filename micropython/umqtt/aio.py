# umqtt for MicroPython's asyncio: no method keeps other tasks from running, no thread and no polling.
#
#     client = MQTTClient("me", "broker.example")
#     await client.connect()
#     await client.subscribe("topic")
#     async for topic, msg in client:
#         ...
#
# A task of its own reads what comes, another one looks after Keep Alive. What they run into is raised by the methods that wait,
# and by the iteration; connect() works again after it. Only resolving a name keeps others waiting: the port's getaddrinfo does.

import asyncio
import socket
from asyncio import core
from errno import EAGAIN, EALREADY, EINPROGRESS, ENOTCONN, ETIMEDOUT

import umqtt
from umqtt import MQTTException

_PUBLISH, _SUBSCRIBE, _UNSUBSCRIBE = 0, 1, 2
_CONNECT = -1
# MicroPython's errno has no name for it.
_EISCONN = 106


class MQTTClient(umqtt.MQTTClient):
    # limit: how many messages wait for the iteration before no more are read, so that the Server waits, too.
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0, ssl=False, ssl_params={}, *,
                 limit=16):
        super().__init__(client_id, server, port, user, password, keepalive, ssl, ssl_params)
        super().set_callback(self._came)
        self._address = server, int(port) or (8883 if ssl else 1883)
        # PINGREQ is due after three quarters of the time; it is looked for twice as often.
        self._tick_ms = 0 if keepalive is None else (keepalive or 60) * 375
        self._limit = limit
        self._messages = []
        self._tasks = []
        self._error = OSError(ENOTCONN)
        # Set for a moment when something has changed.
        self._changed = asyncio.Event()
        self._writing = asyncio.Lock()
        # How many tasks await an answer, and the places of those that were cancelled.
        self._waiting = 0
        self._left = []
        self._timeout = 20

    # timeout: seconds, for all of it and for each later answer.
    async def connect(self, clean_session=True, *, timeout=20):
        self._stop(None)
        if clean_session:
            self._messages.clear()
        self._left.clear()
        self._timeout = timeout
        try:
            await asyncio.wait_for(self._open(clean_session, timeout), timeout)
        except asyncio.TimeoutError:
            raise OSError(ETIMEDOUT)
        self._error = None
        self._tasks = [asyncio.create_task(self._read())]
        if self._tick_ms:
            self._tasks.append(asyncio.create_task(self._tick()))

    async def publish(self, topic, msg, retain=False, qos=0):
        await self._exchange(_PUBLISH, topic, msg, retain, qos)

    async def subscribe(self, topic, qos=0):
        await self._exchange(_SUBSCRIBE, topic, b"", False, qos)

    async def unsubscribe(self, topic):
        await self._exchange(_UNSUBSCRIBE, topic, b"", False, 0)

    async def disconnect(self):
        self._stop(None)
        super().disconnect()

    def __aiter__(self):
        return self

    # Ends after disconnect(); raises what broke the connection.
    async def __anext__(self):
        while not self._messages:
            if self._error:
                raise self._error
            if not self._tasks:
                raise StopAsyncIteration
            await self._changed.wait()
        message = self._messages.pop(0)
        self._tell()
        return message

    def _came(self, topic, msg):
        self._messages.append((topic, msg))

    def _tell(self):
        self._changed.set()
        self._changed.clear()

    # Nobody looks after the connection any more.
    def _stop(self, error):
        for task in self._tasks:
            if task is not core.cur_task:
                task.cancel()
        self._tasks = []
        self._error = error
        self._tell()

    async def _open(self, clean_session, timeout):
        sock = await _opened(*self._address)
        try:
            self.start_connect(sock, clean_session, timeout)
            while not (over := self.finished(_CONNECT)):
                await _ready(sock, over is None)
        except:
            self.close()
            raise

    async def _exchange(self, *words):
        while True:
            try:
                place = self.start(*words)
                break
            except OSError as error:
                if error.args[0] != EAGAIN:
                    raise
            # All places are taken.
            await self._answer()
        if place is None:
            return
        try:
            while not (over := self.finished(place)):
                if over is None:
                    async with self._writing:
                        await _ready(self._sock(), True)
                else:
                    try:
                        await asyncio.wait_for(self._answer(), self._timeout)
                    except asyncio.TimeoutError:
                        pass  # finished() knows it, too
        except asyncio.CancelledError:
            self._left.append(place)
            raise
        except (OSError, MQTTException) as error:
            if self._tasks and self.socket() is None:
                # This is who has found out.
                self._stop(error)
            raise

    # Until something has come, be it the end.
    async def _answer(self):
        self._waiting += 1
        self._tell()
        try:
            await self._changed.wait()
        finally:
            self._waiting -= 1

    def _sock(self):
        sock = self.socket()
        if sock is None:
            raise self._error or OSError(ENOTCONN)
        return sock

    # Deals with what has come: whether it was a message.
    def _look(self):
        before = len(self._messages)
        try:
            self.check_msg()
            self._left = [place for place in self._left if not self.finished(place)]
        except (OSError, MQTTException) as error:
            self._stop(error)
            raise
        self._tell()
        return len(self._messages) > before

    async def _read(self):
        try:
            while True:
                while len(self._messages) >= self._limit and not self._waiting:
                    await self._changed.wait()
                if self._look():
                    await asyncio.sleep_ms(0)
                else:
                    await _ready(self._sock(), False)
        except (OSError, MQTTException):
            pass  # kept for who asks

    async def _tick(self):
        try:
            while True:
                await asyncio.sleep_ms(self._tick_ms)
                self._look()
        except (OSError, MQTTException):
            pass


# Until the socket can be read or written.
def _ready(sock, to_write):
    if to_write:
        yield core._io_queue.queue_write(sock)
    else:
        yield core._io_queue.queue_read(sock)


# A socket connected to one of the addresses of a name.
async def _opened(host, port):
    raised = None
    for address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        sock = socket.socket(address[0], address[1])
        try:
            sock.setblocking(False)
            while True:
                try:
                    sock.connect(address[-1])
                    return sock
                except OSError as error:
                    if error.args[0] == _EISCONN:
                        return sock
                    if error.args[0] not in (EINPROGRESS, EALREADY):
                        raise
                await _ready(sock, True)
        except OSError as error:
            sock.close()
            raised = error
        except:
            sock.close()
            raise
    raise raised
