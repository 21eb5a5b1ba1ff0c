"""umqtt.robust as micropython-lib has it: umqtt.simple that connects again, as often as it takes, and repeats the method."""

from umqtt import simple

class MQTTClient(simple.MQTTClient):
    """delay(), log() and reconnect() are there to be overridden."""

    DELAY: float
    """Seconds between two attempts."""
    DEBUG: bool
    """Whether log() prints."""

    def delay(self, i: int) -> None:
        """Waits before attempt i."""

    def log(self, in_reconnect: bool, e: Exception) -> None:
        """Tells of an exception that is passed over."""

    def reconnect(self) -> int | None:
        """connect(False) until it works."""

    def check_msg(self, attempts: int = 2) -> int | None:
        """As umqtt.simple's, repeated so often."""
