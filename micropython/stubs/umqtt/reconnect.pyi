"""A client that connects again by itself: what umqtt.MQTTClient(..., reconn=True) makes."""

from collections.abc import Callable
from typing import Any, Self

import umqtt
from umqtt import MQTTException as MQTTException
from umqtt import _Octets, _SSLParams

class MQTTClient(umqtt.MQTTClient):
    """When a method finds the connection lost it connects again, restores the subscriptions and goes on.

    The waits between two attempts double from min_delay to max_delay, less a part left to chance. What the broker will refuse
    for ever (MQTTException 1, 2, 4, 5) is raised. Ctrl-C ends any wait.
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
        min_delay: float = 1,
        max_delay: float = 60,
        network: Callable[[], object] | None = None,
        lost: Callable[[Exception], object] | None = None,
        connected: Callable[[bool], object] | None = None,
        reconn: bool = True,
    ) -> None:
        """min_delay, max_delay: seconds between two attempts, the first and the longest.
        network(): called before each attempt, may wait for the link; False puts the attempt off.
        lost(reason): called once when a connection is lost, with the exception.
        connected(present): called when a connection is there; present: the broker still had the session.
        """

    min_delay: float
    max_delay: float
    network: Callable[[], object] | None
    lost: Callable[[Exception], object] | None
    connected: Callable[[bool], object] | None

    def reconnect(self) -> None:
        """Tries until there is a connection; connect() tries once."""
