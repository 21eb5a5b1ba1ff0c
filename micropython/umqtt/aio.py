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
import time
from asyncio import core
from errno import EAGAIN, EALREADY, EHOSTUNREACH, EINPROGRESS, ENOTCONN, ETIMEDOUT

import umqtt
from umqtt import MQTTException

_PUBLISH, _SUBSCRIBE, _UNSUBSCRIBE = 0, 1, 2
_CONNECT, _DISCONNECT = -1, -2
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
        self._error = OSError(ENOTCONN)
        # How often something has changed, and after how many packets that came.
        self._turn = self._packets = 0
        self._timeout = 20
        # A socket that is not the client's yet: what breaks the loop off leaves it open.
        self._opening = None
        self._enter()

    # Makes what tasks wait for. Those of another event loop, left by Ctrl-C say, do not come back.
    def _enter(self):
        self._loop = core._task_queue
        self._tasks = []
        # Set for a moment when something has changed.
        self._changed = asyncio.Event()
        # Set for a moment when more may be read.
        self._room = asyncio.Event()
        self._writing = asyncio.Lock()
        # The tasks that sleep on the socket, until it can be read and until it can be written.
        self._sleepers = [None, None]
        # How many tasks await an answer, and the places of those that were cancelled.
        self._waiting = 0
        self._left = []

    # timeout: seconds, for all of it and for each later answer.
    async def connect(self, clean_session=True, *, timeout=20):
        self._stop(None)
        self._drop()
        if clean_session:
            self._messages.clear()
        self._left.clear()
        self._timeout = timeout
        try:
            await asyncio.wait_for(self._open(clean_session, timeout), timeout)
        except BaseException as error:
            # The connection before, too, if it came no further: nobody looks after it any more.
            self._drop()
            self.close()
            raise OSError(ETIMEDOUT) if isinstance(error, asyncio.TimeoutError) else error
        self._error = None
        try:
            self._tasks.append(asyncio.create_task(self._read()))
            if self._tick_ms:
                self._tasks.append(asyncio.create_task(self._tick()))
        except MemoryError as error:
            self._fail(error)
            raise

    async def publish(self, topic, msg, retain=False, qos=0):
        await self._exchange(_PUBLISH, topic, msg, retain, qos)

    async def subscribe(self, topic, qos=0):
        await self._exchange(_SUBSCRIBE, topic, b"", False, qos)

    async def unsubscribe(self, topic):
        await self._exchange(_UNSUBSCRIBE, topic, b"", False, 0)

    # Returns when the Server has closed the connection, or gives it up after the timeout.
    async def disconnect(self):
        self._stop(None)
        sock = self.socket()
        try:
            if sock:
                await asyncio.wait_for(self._leave(sock), self._timeout)
        except asyncio.TimeoutError:
            pass
        finally:
            if self.socket() is sock:
                self.close()

    def __aiter__(self):
        return self

    # Ends after disconnect(); raises what broke the connection.
    async def __anext__(self):
        self._look_around()
        while not self._messages:
            if self._error:
                raise self._lost()
            if not self._tasks:
                raise StopAsyncIteration
            await self._changed.wait()
        message = self._messages.pop(0)
        _pulse(self._room)
        if isinstance(message, MemoryError):
            raise message
        return message

    def _came(self, topic, msg):
        self._messages.append((topic, msg))

    def _tell(self):
        self._turn += 1
        _pulse(self._changed)

    # The same, if packets have come since: whoever looks for an answer of his own deals with those of others, too.
    def _tell_news(self):
        packets = self.stats().packets_in
        if packets != self._packets:
            self._packets = packets
            self._tell()

    # Whatever ended the task that reads, or the other: no connection stays that nobody looks after.
    def _fail(self, error):
        self.close()
        self._stop(error)

    # What ended the connection, made anew: an exception keeps where it was raised, each time.
    def _lost(self):
        error = self._error or OSError(ENOTCONN)
        return type(error)(*error.args)

    # In another event loop than connect() was there is no connection.
    def _look_around(self):
        if self._loop is not core._task_queue:
            self._fail(OSError(ENOTCONN))

    # Nobody looks after the connection any more.
    def _stop(self, error):
        if self._loop is not core._task_queue:
            self._enter()
        for task in self._tasks:
            if task is not core.cur_task:
                task.cancel()
        self._tasks = []
        self._error = error
        self._tell()

    async def _open(self, clean_session, timeout):
        sock = await self._opened()
        self.start_connect(sock, clean_session, timeout)
        self._opening = None
        while not (over := self.finished(_CONNECT)):
            await self._ready(sock, over is None)

    # A socket connected to one of the addresses of the name.
    async def _opened(self):
        raised = OSError(EHOSTUNREACH)
        for address in socket.getaddrinfo(*self._address, 0, socket.SOCK_STREAM):
            self._opening = sock = socket.socket(address[0], address[1])
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
                    await self._ready(sock, True)
            except OSError as error:
                self._drop()
                raised = error
        raise raised

    def _drop(self):
        sock, self._opening = self._opening, None
        if sock:
            sock.close()

    # DISCONNECT, and what the Server still sends, to its end.
    async def _leave(self, sock):
        while self.socket() is sock and not (over := self.finished(_DISCONNECT)):
            if over is None:
                async with self._writing:
                    await self._ready(sock, True)
            else:
                await self._ready(sock, False)

    async def _exchange(self, *words):
        self._look_around()
        place = await self._start(words)
        if place is None:
            return
        try:
            while True:
                turn = self._turn
                over = self.finished(place)
                self._tell_news()
                if over:
                    break
                if over is None:
                    async with self._writing:
                        await self._ready(self._sock(), True)
                else:
                    await self._answer(turn, self._timeout)
        except (OSError, MQTTException) as error:
            if self._tasks and self.socket() is None:
                # This is who has found out.
                self._stop(error)
            raise
        except:
            # Cancelled, or no memory to go on with.
            self._left.append(place)
            raise
        finally:
            # It may have left behind what came after its answer, which the socket knows nothing of.
            self._wake_sleepers()

    # Begins an exchange: its place. If all of them are taken, waits for one.
    async def _start(self, words):
        end = None
        while True:
            turn = self._turn
            try:
                return self.start(*words)
            except OSError as error:
                if error.args[0] != EAGAIN:
                    raise
            if self._timeout is None:
                left_ms = None
            else:
                end = end or time.ticks_add(time.ticks_ms(), int(self._timeout * 1000))
                left_ms = time.ticks_diff(end, time.ticks_ms())
                if left_ms <= 0:
                    raise OSError(ETIMEDOUT)
            await self._answer(turn, left_ms and left_ms / 1000)

    # Until something has come since that turn, be it the end, or so many seconds have passed.
    async def _answer(self, turn, timeout):
        try:
            await asyncio.wait_for(self._change(turn), timeout)
        except asyncio.TimeoutError:
            pass  # the client knows it, too

    async def _change(self, turn):
        self._waiting += 1
        _pulse(self._room)
        try:
            if turn == self._turn:
                await self._changed.wait()
        finally:
            self._waiting -= 1

    # Until the socket can be read or written, or _wake_sleepers().
    async def _ready(self, sock, to_write):
        self._sleepers[to_write] = core.cur_task
        try:
            await (_writable(sock) if to_write else _readable(sock))
        except asyncio.CancelledError:
            # With one task that slept on the socket asyncio has forgotten the other.
            self._sleepers[to_write] = None
            self._wake_sleepers()
            raise
        self._sleepers[to_write] = None

    # Has those who sleep on the socket look for themselves.
    def _wake_sleepers(self):
        for task in self._sleepers:
            if task and task.data is core._io_queue:
                core._io_queue.remove(task)
                core._task_queue.push(task)

    def _sock(self):
        sock = self.socket()
        if sock is None:
            raise self._lost()
        return sock

    # Deals with what has come: whether it was a message.
    def _look(self):
        before = len(self._messages)
        try:
            self.check_msg()
        except MemoryError as error:
            # A message did not fit, and is skipped. The iteration raises it in its place.
            self._messages.append(error)
        self._settle()
        self._tell()
        return len(self._messages) > before

    # Gives back the places of exchanges that nobody awaits any more. How they ended is nobody's affair.
    def _settle(self):
        for place in self._left[:]:
            try:
                if not self.finished(place):
                    continue
            except (OSError, MQTTException):
                if self.socket() is None:
                    raise
            self._left.remove(place)

    async def _read(self):
        try:
            while True:
                while len(self._messages) >= self._limit and not self._waiting:
                    await self._room.wait()
                if self._look():
                    await asyncio.sleep_ms(0)
                else:
                    await self._ready(self._sock(), False)
        except Exception as error:
            self._fail(error)

    async def _tick(self):
        try:
            while True:
                await asyncio.sleep_ms(self._tick_ms)
                self._look()
        except Exception as error:
            self._fail(error)


def _pulse(event):
    event.set()
    event.clear()


def _readable(sock):
    yield core._io_queue.queue_read(sock)


def _writable(sock):
    yield core._io_queue.queue_write(sock)
