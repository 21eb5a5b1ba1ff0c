#!/usr/bin/env python3
"""Keeps one board running: QEMU with the firmware, and a serial port for it that programs may open and close as they like.

usage: keeper.py FOLDER FIRMWARE [QEMU'S OPTIONS]

FOLDER holds flash.img, the board's flash, which outlives the board; and, from when the board can be reached until it ends,
state: this process, QEMU's and the port. board.py starts, finds and ends keepers.

QEMU could make a pseudo-terminal itself. It would notice only after up to a second that somebody has opened it, and with
nobody there to read, the whole machine would come to a stand as soon as the terminal's buffer is full.
"""

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tty
from pathlib import Path

FLASH_SIZE = 64 * 1024 * 1024
MACHINE = ["-M", "versatilepb", "-cpu", "cortex-r5", "-m", "8M", "-display", "none", "-audiodev", "none,id=none",
           "-net", "nic", "-net", "user", "-monitor", "none", "-serial", "stdio"]


def start_qemu(flash, firmware, serial, options):
    command = ["qemu-system-arm", *MACHINE, "-kernel", firmware, "-drive", "if=pflash,format=raw,file=%s" % flash,
               *options]
    # Should this process be killed, QEMU ends with it.
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdin=serial, stdout=serial)


class Relay:
    """Octets from the board to whoever has the port open, and back. What the one side is slow to take holds the other up."""

    def __init__(self, board):
        self.board = board
        self.port, self.slave = pty.openpty()
        self.name = os.ttyname(self.slave)
        tty.setraw(self.slave)
        self.to_port, self.to_board = b"", b""
        self.epoll = select.epoll()
        # A signal that comes just before poll() must end it too.
        self.awake, signalled = os.pipe()
        os.set_blocking(signalled, False)
        signal.set_wakeup_fd(signalled)
        self.epoll.register(self.awake, select.EPOLLIN)
        for one in (self.board, self.port):
            os.set_blocking(one, False)
            # By edges: a port that nobody has open would report that without end.
            self.epoll.register(one, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def run(self):
        while True:
            try:
                while self.pass_to_port() | self.pass_to_board():
                    pass
            except EOFError:
                return
            self.epoll.poll()

    def pass_to_port(self):
        """True if something moved."""
        self.to_port = self.to_port or self.read(self.board)
        if self.to_port is None:
            return False
        if self.to_port == b"":
            raise EOFError
        if self.is_open():
            left = self.write(self.port, self.to_port)
        else:
            # As on a real line: what nobody listens to is lost.
            left = b""
        moved, self.to_port = left != self.to_port, left
        return moved

    def pass_to_board(self):
        """True if something moved."""
        self.to_board = self.to_board or self.read(self.port)
        if not self.to_board:
            return False
        if self.slave is not None:
            # Now somebody is there. Until then it was this that kept the port open, so that what the board says when it
            # starts waits for the first who listens.
            os.close(self.slave)
            self.slave = None
        left = self.write(self.board, self.to_board)
        moved, self.to_board = left != self.to_board, left
        return moved

    def is_open(self):
        look = select.poll()
        look.register(self.port, 0)
        return not look.poll(0)

    @staticmethod
    def read(source):
        """What there is; None when there is nothing, or nobody on the other side of a pseudo-terminal."""
        try:
            return os.read(source, 4096)
        except ConnectionError:
            return b""
        except OSError:
            return None

    @staticmethod
    def write(sink, data):
        """What is left of the data."""
        try:
            return data[os.write(sink, data):]
        except BlockingIOError:
            return data
        except ConnectionError:
            raise EOFError from None


def main():
    folder, firmware, options = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    # So that a board is ended in one way only, whoever asks for it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    flash = folder / "flash.img"
    if not flash.exists():
        with open(flash, "wb") as file:
            file.truncate(FLASH_SIZE)
    ours, serial = socket.socketpair()
    qemu = start_qemu(flash, firmware, serial, options)
    serial.close()
    try:
        relay = Relay(ours.fileno())
        (folder / "state.new").write_text("%d %d %s\n" % (os.getpid(), qemu.pid, relay.name))
        (folder / "state.new").rename(folder / "state")
        relay.run()
    finally:
        (folder / "state").unlink(missing_ok=True)
        qemu.terminate()
        qemu.wait()


if __name__ == "__main__":
    main()
