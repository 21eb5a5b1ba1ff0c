"""The client for MicroPython's asyncio: no method keeps other tasks from running."""

from typing import Any, Self

import umqtt
from umqtt import MQTTException as MQTTException
from umqtt import _Octets, _QoS, _SSLParams

class MQTTClient(umqtt.MQTTClient):
    """As umqtt.MQTTClient, to be awaited; the messages come by `async for topic, msg in client`.

    What breaks the connection is raised by all who wait, and by the iteration; connect() works again after it.
    """

    # Its arguments are those of __init__.
    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    def __init__(
        self,
        client_id: _Octets,
        server: str,
        port: int | str = 0,
        user: _Octets | None = None,
        password: _Octets | None = None,
        keepalive: int | None = 0,
        ssl: Any = False,
        ssl_params: _SSLParams | dict[str, Any] | str | None = ...,
        *,
        limit: int = 16,
    ) -> None:
        """limit: messages that wait for the iteration before no more are read."""

    async def connect(self, clean_session: bool = True, *, timeout: float = 20) -> None:  # type: ignore[override]
        """Connects. timeout: seconds, for all of it and for each later answer."""

    async def disconnect(self) -> None:  # type: ignore[override]
        """Takes leave and closes: the iteration ends."""

    async def publish(self, topic: _Octets, msg: _Octets, retain: bool = False, qos: _QoS = 0) -> None:  # type: ignore[override]
        """Publishes a message; at qos 1 and 2 it is acknowledged then."""

    async def subscribe(self, topic: _Octets, qos: _QoS = 0) -> None:  # type: ignore[override]
        """Asks for messages."""

    async def unsubscribe(self, topic: _Octets) -> None:  # type: ignore[override]
        """Takes back what subscribe() asked for."""

    def __aiter__(self) -> MQTTClient:
        """The messages."""

    async def __anext__(self) -> tuple[bytes, bytes]:
        """The next one: topic and payload."""
