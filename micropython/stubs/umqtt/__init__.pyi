"""MQTT 3.1.1 for MicroPython, as a native module.

For editors and type checkers: name this file's upper folder, micropython/stubs, to them (README.md says how).
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias, TypedDict, overload

from umqtt import reconnect as _reconnect

# What is sent: a str goes as UTF-8. On the device any bytes-like object will do, array.array too.
_Octets: TypeAlias = str | bytes | bytearray | memoryview
_QoS: TypeAlias = Literal[0, 1, 2]
_Callback: TypeAlias = Callable[[bytes, bytes], object]

class _SSLParams(TypedDict, total=False):
    key: str | bytes | None
    cert: str | bytes | None
    cadata: str | bytes | None
    ca: str | bytes | None
    ca_certs: str | bytes | None
    cert_reqs: int | None
    server_hostname: str | None
    server_side: bool
    do_handshake: bool

class Stats(NamedTuple):
    """What MQTTClient.stats() returns. The counters have 32 bits, and begin at 0 again after the last number."""

    bytes_out: int
    bytes_in: int
    packets_out: int
    packets_in: int
    connects: int
    """Connections that the broker accepted, ever."""
    in_flight: int
    """Messages at qos 1 and 2 that are kept until they are acknowledged."""
    round_trip_ms: int
    """From the last message or request to its acknowledgement; 0 before any."""
    session_present: bool
    """Whether the broker still had the session at the last connect()."""
    last_error: Exception | None
    """The last exception that the network or the broker gave rise to."""
    phase: Literal["resolve", "connect", "tls", "connack", "session"] | None
    """Where that came from."""

class MQTTException(Exception):
    """The broker refused, or broke the protocol.

    The first argument: 1 to 5, the return code of a refused connect() (1: protocol version, 2: client_id, 3: unavailable,
    4: user or password, 5: not authorised); 128: a refused subscribe(); a text: what the broker did wrong.
    """

class MQTTClient:
    """A client of one broker.

    Every method may raise OSError(ENOTCONN) where there is no connection, OSError(ETIMEDOUT) where the broker does not answer,
    another OSError where the connection broke (then connect() again), and MQTTException. Wrong arguments raise ValueError or
    TypeError before anything is sent.
    """

    @overload
    def __new__(
        cls,
        client_id: _Octets,
        server: str,
        port: int | str = 0,
        user: _Octets | None = None,
        password: _Octets | None = None,
        keepalive: int | None = 0,
        ssl: Any = False,
        ssl_params: _SSLParams | dict[str, Any] | str | None = ...,
        *,
        reconn: Literal[False] = False,
    ) -> MQTTClient:
        """Connects to nothing yet: connect() does.

        client_id: the broker's name for this client, unlike that of any other.
        server: host name or IP address.
        port: 0 is 1883, or 8883 with ssl. Digits in a str will do.
        keepalive: seconds after which the broker takes a silent client for gone, 1 to 65535. 0 is 60. None turns it off.
        ssl: True, or an SSLContext of your own.
        ssl_params: a dict or its JSON: key, cert, cadata (with it the broker is verified), server_hostname and the like.
        reconn: True gives a client that connects again by itself: umqtt.reconnect.MQTTClient, with its arguments.
        """

    @overload
    def __new__(
        cls,
        client_id: _Octets,
        server: str,
        port: int | str = 0,
        user: _Octets | None = None,
        password: _Octets | None = None,
        keepalive: int | None = 0,
        ssl: Any = False,
        ssl_params: _SSLParams | dict[str, Any] | str | None = ...,
        *,
        reconn: Literal[True],
        min_delay: float = 1,
        max_delay: float = 60,
        network: Callable[[], object] | None = None,
        lost: Callable[[Exception], object] | None = None,
        connected: Callable[[bool], object] | None = None,
    ) -> _reconnect.MQTTClient: ...

    def socket(self) -> Any:
        """The TCP socket, the raw one under TLS too; None where there is no connection."""

    @overload
    def set_callback(self, callback: _Callback | None, *, flags: Literal[False] = False) -> None:
        """callback(topic, msg) gets each message, both as bytes. It may call any method of this client. None: drop them.

        flags: True gives it a third argument, the flags of PUBLISH: 1 is RETAIN, 2 and 4 the QoS, 8 DUP.
        """

    @overload
    def set_callback(self, callback: Callable[[bytes, bytes, int], object], *, flags: Literal[True]) -> None:
        """callback(topic, msg, flags)."""

    @overload
    def set_last_will(self, topic: _Octets, msg: _Octets, retain: bool = False, qos: _QoS = 0) -> None:
        """What the broker publishes when this client goes without disconnect(). To be set before connect().

        OSError(EALREADY): start_connect() has begun a connection, and finished(-1) has not ended it yet.
        """

    @overload
    def set_last_will(self, topic: None, msg: None, retain: bool = False, qos: _QoS = 0) -> None:
        """Takes the last will back: the next connect() tells of none."""

    def set_credentials(self, user: _Octets | None, password: _Octets | None = None) -> None:
        """User and password of the next connect(), in place of those that the client was made with: for tokens that run out.

        OSError(EALREADY): as set_last_will().
        """

    def connect(self, clean_session: bool = True, *, timeout: float | None = None) -> None:
        """Connects, closing what connection there is.

        clean_session: False keeps subscriptions and messages in flight from one connection to the next.
        timeout: seconds for all of connect() and for each later wait for an answer; None is 20.

        MQTTException(1) to (5): the broker refused.
        """

    def disconnect(self) -> None:
        """Takes leave, reads what the broker still sends, and closes; no last will is published.

        Waits until the broker has closed its side, at most for the timeout of connect(). Does nothing where there is no connection.
        """

    def close(self) -> None:
        """Closes without taking leave: the broker publishes the last will."""

    def publish(self, topic: _Octets, msg: _Octets, retain: bool = False, qos: _QoS = 0) -> None:
        """Publishes a message.

        qos: 0 sends it at most once; 1 returns when the broker has acknowledged it; 2 is delivered exactly once.
        retain: who subscribes later gets it at once.

        Messages that come while it waits are delivered to the callback.
        """

    def subscribe(self, topic: _Octets, qos: _QoS = 0) -> None:
        """Asks for messages; `+` stands for one level of a topic, `#` at its end for all below. MQTTException(128): refused."""

    def unsubscribe(self, topic: _Octets) -> None:
        """Takes back what subscribe() asked for with the same topic."""

    def check_msg(self) -> None:
        """Delivers a message to the callback if a whole one has come. Never waits. Keeps the connection alive."""

    def wait_msg(self) -> None:
        """Waits until a message has been delivered, or the answer to ping() has come. Keeps the connection alive. Ctrl-C ends it."""

    def ping(self) -> None:
        """Asks the broker for a sign of life, without waiting for it. Hardly ever needed: every method keeps the connection alive."""

    def stats(self) -> Stats:
        """Counters and the last error, for whoever looks for a fault in the field."""

    def start(self, verb: Literal[0, 1, 2], topic: _Octets, msg: _Octets = b"", retain: bool = False, qos: _QoS = 0) -> int | None:
        """Begins to publish (0), subscribe (1) or unsubscribe (2), without waiting.

        Returns a place for finished(), or None if there is nothing to wait for. OSError(EAGAIN): no place is free now.
        """

    def start_connect(self, sock: Any, clean_session: bool = True, timeout: float | None = None) -> None:
        """Begins connect() on a connected, non-blocking socket, without waiting: finished(-1) tells when it is done."""

    def finished(self, place: int, wait: bool = False) -> bool | None:
        """Whether what start() began is acknowledged, None while some of it is not written; raises as the method that waits.

        place: from start() or unfinished(). -1: the connection that start_connect() began. -2: a disconnect() that never waits; the
        first call begins it.
        """

    def unfinished(self) -> int | None:
        """The place of the message that the last method of this thread to raise has left in the session; None if it left none.

        For finished() and discard(). The message goes out again with the next connect(clean_session=False), and publish() would
        send it twice.
        """

    def discard(self, place: int | None = None) -> None:
        """Forgets a message in flight: it is not sent again. None: all of them.

        One that a method waits for stays, and one that start() has begun, unless finished() has raised for it.
        """
