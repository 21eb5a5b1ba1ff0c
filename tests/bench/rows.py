"""What is measured, and the bars: one Row for each line of the table."""

from dataclasses import dataclass

CONTENDERS = ("umqtt", "limit", "simple", "simple2", "libmosquitto")
MICROPYTHON = CONTENDERS[:4]
SMALL_HEAP, LARGE_HEAP = "256k", "8m"


@dataclass(frozen=True)
class Bar:
    """What a figure of this module must reach. With `against` it is a ratio to that contender's, in one round."""

    figure: str
    most: bool
    value: float
    against: str = ""

    def met(self, value):
        return value <= self.value if self.most else value >= self.value

    def __str__(self):
        sign = "at most" if self.most else "at least"
        return "%s %s%s" % (sign, "{:,g}".format(round(self.value, 2)), " x " + self.against if self.against else "")


def rate(value, against):
    return Bar("per second", False, value, against)


def most(figure, value):
    return Bar(figure, True, value)


@dataclass(frozen=True)
class Row:
    """One kind of work.

    `exact`: two counts, whose difference gives instructions and system calls a piece. This module's garbage of the larger one
    fits into the heap: a run of the collector is worth many messages, and would come with one count and not with the other.
    """

    name: str
    what: str
    size: int
    bars: tuple = ()
    exact: tuple = ()
    batch: int = 100
    contenders: tuple = MICROPYTHON
    heap: str = SMALL_HEAP
    peer: str = "peer"

    def slow(self, contender):
        """These write a packet in pieces, so each acknowledgement meets Nagle and takes 40 ms."""
        return contender.startswith("simple") and self.what in ("publish1", "echo")

    def counts(self, contender):
        return (3, 13) if self.slow(contender) else self.exact

    def batch_of(self, contender):
        # simple2 waits for a millisecond where nothing is there.
        return 2 if self.slow(contender) or self.what == "idle" and contender == "simple2" else self.batch


SPEED = (
    Row("publish qos 0, 16 B", "publish0", 16, exact=(200, 1200), contenders=CONTENDERS, bars=(
        rate(0.95, "limit"), most("instructions", 950), most("system calls", 1))),
    Row("publish qos 0, 256 B", "publish0", 256, exact=(200, 1200), contenders=CONTENDERS, bars=(
        rate(0.95, "limit"), most("system calls", 1))),
    Row("publish qos 0, 4 KiB", "publish0", 4096, exact=(100, 300), batch=50, contenders=CONTENDERS, bars=(
        rate(0.95, "limit"), most("system calls", 1))),
    Row("publish qos 1, 16 B, one after the other", "publish1", 16, exact=(200, 1200), contenders=CONTENDERS, bars=(
        rate(0.95, "limit"), most("instructions", 1500), most("system calls", 3))),
    Row("publish qos 2, 16 B, one after the other", "publish2", 16, exact=(200, 1200), contenders=("umqtt",)),
    Row("receive 16 B by wait_msg", "receive_wait", 16, exact=(200, 1200), contenders=CONTENDERS, bars=(
        rate(20, "simple"), rate(8, "libmosquitto"), most("instructions", 2600), most("system calls", 0.05))),
    Row("receive 16 B by check_msg", "receive_check", 16, exact=(200, 1200), contenders=CONTENDERS, bars=(
        rate(20, "simple"), rate(8, "libmosquitto"), most("instructions", 2600), most("system calls", 0.05))),
    Row("receive 256 B", "receive_wait", 256, exact=(50, 250), contenders=CONTENDERS, bars=(rate(10, "simple"),)),
    Row("receive 4 KiB", "receive_wait", 4096, batch=20, contenders=CONTENDERS, bars=(rate(1, "limit"),)),
    Row("receive 100 KB", "receive_wait", 100000, batch=5, heap=LARGE_HEAP, contenders=CONTENDERS, bars=(
        rate(0.95, "limit"),)),
    Row("receive 1 MiB", "receive_wait", 1 << 20, batch=2, heap=LARGE_HEAP, contenders=CONTENDERS, bars=(
        rate(0.95, "limit"),)),
    Row("check_msg, nothing there", "idle", 16, exact=(200, 1200), bars=(
        rate(1, "limit"), most("system calls", 1))),
    # At most 1.1 times as long.
    Row("import, construct, connect, disconnect", "cycle", 16, exact=(10, 60), batch=10, bars=(rate(1 / 1.1, "limit"),)),
)

# The same once more with a real broker, for orientation.
BROKER = (
    Row("mosquitto: publish qos 0, 16 B", "publish0", 16, contenders=CONTENDERS, peer="mosquitto"),
    Row("mosquitto: publish qos 1, 16 B", "publish1", 16, batch=20, contenders=CONTENDERS, peer="mosquitto"),
    Row("mosquitto: echo of 1 KiB", "echo", 1024, batch=20, contenders=CONTENDERS, peer="mosquitto"),
)

HEAP = "heap, octets"
GROWTH_HEAP, GROWTH_RESIDENT = "heap growth, octets", "resident growth, octets"
MEMORY = (
    Row("heap: publish qos 0", "heap_publish0", 16, contenders=MICROPYTHON, bars=(most(HEAP, 0),)),
    Row("heap: publish qos 0, 4 KiB", "heap_publish0", 4096, contenders=MICROPYTHON, bars=(most(HEAP, 0),)),
    Row("heap: publish qos 1", "heap_publish1", 16, contenders=("umqtt", "limit", "simple"), bars=(most(HEAP, 0),)),
    Row("heap: publish qos 2", "heap_publish2", 16, contenders=("umqtt",), bars=(most(HEAP, 0),)),
    Row("heap: receive, beyond topic and payload", "heap_receive", 16, contenders=("umqtt", "simple", "simple2"), bars=(
        most(HEAP, 0),)),
    Row("heap: check_msg, nothing there", "heap_idle", 16, contenders=("umqtt", "limit", "simple"), bars=(most(HEAP, 0),)),
    Row("heap: client connected, socket included", "heap_connected", 16, contenders=MICROPYTHON, bars=(most(HEAP, 1536),)),
)
GROWTH = Row("100,000 messages of 16 B received", "heap_growth", 16, contenders=("umqtt",), bars=(
    most(GROWTH_HEAP, 0), most(GROWTH_RESIDENT, 0)))
SMALLEST = Row("smallest heap, 1,000 echoes of 1 KiB", "smallest", 1024, contenders=MICROPYTHON, bars=(
    most("heap, KiB", 10),))
