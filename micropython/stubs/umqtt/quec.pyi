"""QuecPython's MQTTClient as its current firmware has it, on the native module. docs/moving.md says what differs."""

from collections.abc import Callable
from typing import Any, Literal

from umqtt import MQTTException as MQTTException
from umqtt import _Octets, reconnect

class MQTTClient(reconnect.MQTTClient):
    """Returns 0 from connect() and True or False from publish(), as the vendor's does."""

    reconn: bool
    keepalive: int

    def __init__(
        self,
        client_id: _Octets,
        server: str,
        port: int | str = 0,
        user: _Octets | None = None,
        password: _Octets | None = None,
        keepalive: int = 0,
        ssl: Any = False,
        ssl_params: dict[str, Any] | str | None = ...,
        reconn: bool = True,
        version: Literal[3, 4] = 4,
        pingmaxnum: int = 0,
        manage: bool = False,
        ipvtype: int = 0,
    ) -> None:
        """version, pingmaxnum, manage and ipvtype are taken and change nothing. keepalive: 0 is off, else at least 5."""

    def error_register_cb(self, callback: Callable[[str], object] | None) -> None:
        """callback(text): "reconnect_start", "reconnect_success", or what went wrong."""

    def connect(self, clean_session: bool = True) -> int:  # type: ignore[override]
        """0; ValueError with the reason where it fails."""

    def get_mqttsta(self) -> Literal[0, 1, 2, -1]:
        """0: connected, 1: connecting, 2: the broker ended the connection, -1: there is none."""

    def publish(self, topic: _Octets, msg: _Octets, retain: bool = False, qos: int = 0) -> bool:  # type: ignore[override]
        """False: not sent, or not acknowledged."""
