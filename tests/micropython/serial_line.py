"""Tests that drive a board from outside, over its serial line and by its power switch. Part of run.py --board.

Each gets a Bench: a board that is off and has an empty flash, and what there is on this side of it.
"""

import subprocess
import sys
import time
import zlib

import namespace
import server
from board import HERE, PROMPT, Console, Unanswered

TESTS = []
# A generous bound: a board that does not sleep takes all of a processor.
IDLE_S, IDLE_SHARE = 3, 0.2
# Half of a message, as the Server sends it: 20,003 octets are announced.
HALF, REST = "30a39c01" "000174" "61{8000}", "62{12000}"


def test(function):
    TESTS.append(function)
    return function


def same(got, wanted):
    if got != wanted:
        raise AssertionError("got %r, wanted %r" % (got, wanted))


class Bench:
    """A board with somebody at its REPL, and a Server for it."""

    def __init__(self, board, folder, address):
        self.board, self.folder, self.console = board, folder, None
        self.listener = server.Listener(address, "plain")

    def end(self):
        self.leave()
        self.board.end()
        self.listener.close()

    def boot(self):
        """Power on. What the board printed until its prompt."""
        printed = []
        self.board.boot(printed.append)
        self.take()
        return "".join(printed).replace("\r\n", "\n")

    def take(self):
        """The REPL, whatever was printed before by or to others."""
        self.console = Console(self.board.name)
        self.console.type(b"print('he' + 're')\r")
        self.console.read_until(b"here\r\n" + PROMPT)

    def leave(self):
        """The REPL, which mpremote is to have."""
        if self.console:
            self.console.close()
            self.console = None

    def power_off(self):
        self.leave()
        self.board.end()

    def enter(self, *lines):
        """Types the lines. What the board printed in answer to the last."""
        for line in lines:
            said = self.console.enter(line)
        return said

    def reset(self, line):
        """Types a line that resets the board. What it printed until its next prompt."""
        self.console.type(line)
        return self.console.read_until(PROMPT).decode().replace("\r\n", "\n")

    def put(self, name, text):
        """A file on the board."""
        path = self.folder / name
        path.write_text(text)
        self.leave()
        self.board.copy(path)
        self.take()

    def connect(self):
        """A connected client at the REPL, by the name of c."""
        same(self.enter("from umqtt import MQTTClient", "got = []",
                        "c = MQTTClient('me', %r, %d)" % (namespace.HOST, self.listener.port),
                        "c.set_callback(lambda topic, msg: got.append((topic, len(msg), msg[:1], msg[-1:])))",
                        "c.connect()"), "")

    def wait_in_half_a_message(self):
        """The board sits in wait_msg(), and half of a message has come."""
        self.connect()
        self.console.type(b"c.wait_msg()\r")
        self.console.read_until(b"\n")
        self.listener.last().answer(HALF)
        # Nothing tells that the board has read it.
        time.sleep(0.3)

    def interrupt(self):
        """Ctrl-C, and the prompt again."""
        self.console.type(b"\x03")
        same(b"KeyboardInterrupt" in self.console.read_until(PROMPT), True)

    def starts_clean(self):
        """The board, as it is now, connects under the name it had before, and all is well."""
        connections = len(self.listener.connections)
        self.connect()
        same(len(self.listener.connections), connections + 1)
        self.listener.last().answer("3004" "000174" "6d")
        same(self.enter("c.wait_msg()", "c.publish('t', 'm', qos=1)", "c.publish('t', 'm', qos=2)", "got"),
             "[(b't', 1, b'm', b'm')]\n")


@test
def ctrl_c_ends_wait_msg_within_a_message_and_the_next_goes_on_there(bench):
    bench.boot()
    bench.wait_in_half_a_message()
    bench.interrupt()
    bench.listener.last().answer(REST)
    same(bench.enter("c.wait_msg()"), "")
    same(bench.enter("got.pop()"), "(b't', 20000, b'a', b'b')\n")
    same(bench.enter("c.publish('t', 'm', qos=2)", "c.disconnect()"), "")


@test
def ctrl_c_ends_a_sleep_and_a_loop(bench):
    bench.boot()
    for line in ("import time; time.sleep(1000)", "while True: pass\r"):
        bench.console.type(line.encode() + b"\r")
        time.sleep(0.3)
        bench.interrupt()
    same(bench.enter("6 * 7"), "42\n")


@test
def a_soft_reset_within_a_message_ends_the_connection_and_starts_clean(bench):
    bench.boot()
    bench.wait_in_half_a_message()
    bench.interrupt()
    same("soft reboot" in bench.reset(b"\x04"), True)
    bench.listener.wait(lambda: bench.listener.connections[0].ended)
    same(bool(bench.listener.connections[0].ended), True)
    same("NameError" in bench.enter("c"), True)
    bench.starts_clean()


@test
def machine_reset_within_a_message_starts_clean(bench):
    bench.boot()
    bench.wait_in_half_a_message()
    bench.interrupt()
    same("MicroPython" in bench.reset(b"import machine; machine.reset()\r"), True)
    same("NameError" in bench.enter("c"), True)
    bench.starts_clean()


@test
def machine_reset_by_the_callback_starts_clean(bench):
    bench.boot()
    bench.connect()
    same(bench.enter("import machine", "c.set_callback(lambda topic, msg: machine.reset())"), "")
    bench.listener.last().answer("3206" "000174" "0007" "6d" + HALF)
    same("MicroPython" in bench.reset(b"c.wait_msg()\r"), True)
    bench.starts_clean()


@test
def power_lost_within_a_message_starts_clean(bench):
    bench.boot()
    bench.wait_in_half_a_message()
    bench.power_off()
    bench.boot()
    bench.starts_clean()


@test
def files_outlive_every_reset_and_power_off(bench):
    bench.boot()
    text = "".join("line %d\n" % number for number in range(3000))
    bench.put("kept.txt", text)
    same(bench.enter("import os; os.mkdir('folder')", "file = open('folder/one', 'w')", "file.write('1')"), "1\n")
    same(bench.enter("file.close()"), "")

    def look():
        same(bench.enter("open('folder/one').read()"), "'1'\n")
        same(bench.enter("import binascii; binascii.crc32(open('kept.txt').read())"), "%d\n" % zlib.crc32(text.encode()))

    look()
    bench.reset(b"\x04")
    look()
    bench.reset(b"import machine; machine.reset()\r")
    look()
    bench.power_off()
    bench.boot()
    look()


@test
def machine_reset_starts_the_board_each_time(bench):
    # Whatever the devices were at: a reset does not reset all of them.
    bench.boot()
    for _ in range(30):
        same(bench.enter("file = open('file', 'w')", "file.write('x' * 5000)", "file.close()"), "")
        same("MicroPython" in bench.reset(b"import machine; machine.reset()\r"), True)


@test
def boot_py_and_then_main_py_run_at_each_start(bench):
    bench.boot()
    bench.put("boot.py", "print('this is boot.py')\n")
    bench.put("main.py", "print('this is main.py')\nafter = 5\n")
    both = "this is boot.py\nthis is main.py\n"
    same(both in bench.reset(b"\x04"), True)
    same(bench.enter("after"), "5\n")
    same(both in bench.reset(b"import machine; machine.reset()\r"), True)
    bench.power_off()
    same(both in bench.boot(), True)


@test
def main_py_finds_the_network_right_after_power_on(bench):
    bench.boot()
    bench.put("main.py", "from umqtt import MQTTClient\nc = MQTTClient('me', %r, %d)\nc.connect()\n"
              "c.publish('t', 'started', qos=1)\nc.disconnect()\n" % (namespace.HOST, bench.listener.port))
    for start in range(1, 4):
        bench.power_off()
        same("Error" in bench.boot(), False)
        bench.listener.wait_packets("DISCONNECT", start)
        same(sum(packet.name == "PUBLISH" for packet in bench.listener.packets), start)


@test
def a_main_py_that_never_ends_is_no_obstacle(bench):
    bench.boot()
    bench.put("main.py", "while True: pass\n")
    bench.power_off()
    bench.boot()
    same(bench.enter("6 * 7"), "42\n")


@test
def modules_go_by_their_old_names_too(bench):
    bench.boot()
    for name, part in (("usocket", "socket"), ("utime", "sleep_ms"), ("ussl", "wrap_socket"), ("ujson", "loads"),
                       ("uerrno", "ETIMEDOUT"), ("uos", "listdir"), ("usys", "platform")):
        same(bench.enter("import %s; hasattr(%s, %r)" % (name, name, part)), "True\n")


@test
def a_board_with_nothing_to_do_leaves_the_host_alone(bench):
    bench.boot()
    at_rest(bench, "at the prompt")
    bench.console.type(b"import time; time.sleep(1000)\r")
    at_rest(bench, "in a sleep")
    bench.interrupt()
    bench.connect()
    bench.console.type(b"c.wait_msg()\r")
    at_rest(bench, "in wait_msg()")
    bench.interrupt()


def at_rest(bench, where):
    time.sleep(0.5)
    before = bench.board.cpu_seconds()
    time.sleep(IDLE_S)
    share = (bench.board.cpu_seconds() - before) / IDLE_S
    if share > IDLE_SHARE:
        raise AssertionError("%s the board takes %.2f of a processor" % (where, share))


@test
def a_board_that_prints_to_nobody_goes_on(bench):
    bench.boot()
    bench.put("main.py", "for number in range(5000): print('nobody reads line', number)\nopen('done', 'w').close()\n")
    bench.console.type(b"import machine; machine.reset()\r")
    bench.leave()
    time.sleep(1)
    bench.take()
    same("'done'" in bench.enter("import os; os.listdir()"), True)


@test
def the_commands_of_scripts_board_work(bench):
    def command(*words):
        done = subprocess.run([sys.executable, HERE / "board_commands.py", "--folder", bench.board.folder, *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return done.returncode, (done.stdout + done.stderr).replace("\r\n", "\n")

    good, bad = bench.folder / "good.py", bench.folder / "bad.py"
    good.write_text("import bad_news\nprint('good', bad_news.what)\n")
    bad.write_text("raise ValueError('bad')\n")
    (bench.folder / "bad_news.py").write_text("what = 'news'\n")
    status, said = command("repl")
    same((status, "no board is running" in said), (1, True))
    status, said = command("boot")
    same((status, "MicroPython" in said), (0, True))
    status, said = command("boot")
    same((status, "is running already" in said), (1, True))
    same(command("cp", bench.folder / "bad_news.py")[0], 0)
    same(command("run", good), (0, "good news\n"))
    status, said = command("run", bad)
    same((status, "ValueError: bad" in said), (1, True))
    same(command("stop"), (0, "ended\n"))
    same(command("stop"), (0, "no board is running\n"))
    status, said = command("run", good, "--port", "/dev/null/nothing")
    same((status, said.count("\n"), "does not answer" in said), (1, 1, True))


@test
def a_board_that_does_not_come_up_leaves_nothing_behind(bench):
    bench.board.firmware = bench.folder / "nothing.elf"
    try:
        bench.boot()
    except Unanswered as why:
        same("does not come up" in str(why), True)
    same(bench.board.find(), False)
    same(bench.board.process, None)
