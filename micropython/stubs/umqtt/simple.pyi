"""umqtt.simple as micropython-lib has it, on the native module. docs/moving.md says what differs."""

from collections.abc import Callable
from typing import Any

from umqtt import MQTTException as MQTTException
from umqtt import _Octets

class MQTTClient:
    """connect() takes what it needs from the attributes, which may be set at any time before."""

    client_id: _Octets
    server: str
    port: int
    user: _Octets | None
    pswd: _Octets | None
    keepalive: int
    ssl: Any
    ssl_params: dict[str, Any]
    cb: Callable[[bytes, bytes], object] | None
    lw_topic: _Octets | None
    lw_msg: _Octets | None
    lw_qos: int
    lw_retain: bool
    sock: Any

    def __init__(
        self,
        client_id: _Octets,
        server: str,
        port: int = 0,
        user: _Octets | None = None,
        password: _Octets | None = None,
        keepalive: int = 0,
        ssl: Any = None,
        ssl_params: dict[str, Any] = ...,
    ) -> None:
        """keepalive=0 turns it off here."""

    def set_callback(self, f: Callable[[bytes, bytes], object] | None) -> None:
        """f(topic, msg) gets each message."""

    def set_last_will(self, topic: _Octets, msg: _Octets, retain: bool = False, qos: int = 0) -> None:
        """Before connect()."""

    def connect(self, clean_session: bool = True, timeout: float | None = None) -> int:
        """1 if the broker still had the session, else 0."""

    def disconnect(self) -> None:
        """Takes leave and closes."""

    def ping(self) -> None:
        """Asks for a sign of life."""

    def publish(self, topic: _Octets, msg: _Octets, retain: bool = False, qos: int = 0) -> None:
        """qos 0 or 1."""

    def subscribe(self, topic: _Octets, qos: int = 0) -> None:
        """After set_callback()."""

    def unsubscribe(self, topic: _Octets) -> None:
        """Not in micropython-lib's."""

    def wait_msg(self) -> int | None:
        """Waits for a message. Returns its first octet; None for the answer to ping()."""

    def check_msg(self) -> int | None:
        """As wait_msg(), or None at once if no whole message has come."""
