"""The port where scripts ask this side for help: a Server of their own, its records, brokers, messages, signals.

A request is one line of words; words that may hold anything are in hex. The reply is any number of lines, then a line with a
dot. "! TEXT" in it says that the request failed. What a script opened ends with its connection.
"""

import os
import signal
import socketserver
import ssl
import threading
import time
import zlib

import brokers
import proxy
import random_server
import server


class World:
    """What all scripts of one run share: the address, the folder, the TLS context of the misbehaving Server."""

    def __init__(self, address, folder, certificate=None):
        self.address, self.folder, self.context = address, folder, None
        # What writes Ctrl-C to a board's serial port, by the board's name.
        self.boards = {}
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
            self.context.sni_callback = self.note_server_name

    @staticmethod
    def note_server_name(tls, name, _context):
        tls.connection.server_name = name

    def interrupt(self, who):
        """Ctrl-C, unless the script was ended by the limit meanwhile."""
        try:
            if who in self.boards:
                self.boards[who]()
            else:
                os.kill(int(who), signal.SIGINT)
        except OSError:
            pass


class Script(socketserver.StreamRequestHandler):
    """One connected script. Each do_... method is a request; its docstring shows the words."""

    def setup(self):
        super().setup()
        self.world = self.server.world
        self.listeners, self.brokers, self.proxies, self.subscribers, self.timers = {}, {}, {}, [], []

    def handle(self):
        while line := self.request_line():
            words = line.decode().split()
            try:
                reply = getattr(self, "do_" + words[0])(*words[1:]) or []
            except Exception as error:  # the script is told, whatever it was
                reply = ["! %s: %s" % (type(error).__name__, error)]
            try:
                self.wfile.write("".join(line + "\n" for line in [*reply, "."]).encode())
            except OSError:
                return
            # What is to come after a time comes after the reply, however long that took.
            while self.timers:
                self.timers.pop().start()

    def request_line(self):
        try:
            return self.rfile.readline()
        except ConnectionError:
            return b""

    def finish(self):
        for opened in [*self.listeners.values(), *self.proxies.values()]:
            opened.close()
        for helper in self.subscribers + list(self.brokers.values()):
            helper.end()

    def at(self, port):
        return self.listeners[int(port)]

    # The misbehaving Server

    def do_listen(self, mode):
        """listen MODE -> PORT; plain, tls, mute (only reads), garbage or close (at the first octets), reset (at once), closed"""
        context = self.world.context if mode == "tls" else None
        listener = server.Listener(self.world.address, mode, context)
        self.listeners[listener.port] = listener
        return [str(listener.port)]

    def do_close(self, port):
        """close PORT"""
        self.listeners.pop(int(port)).close()

    @staticmethod
    def line(packet, shown):
        return "%d %d %d %08x %s" % (packet.connection, packet.segments, len(packet.octets), zlib.crc32(packet.octets[1:]),
                                     shown.hex())

    def do_log(self, port, most="64"):
        """log PORT [MOST] -> CONNECTION SEGMENTS LENGTH CHECKSUM HEX for each packet, at most MOST octets of it in hex"""
        return [self.line(packet, packet.recorded[:int(most)]) for packet in list(self.at(port).packets)]

    def do_tail(self, port, count):
        """tail PORT COUNT -> as log, the last COUNT packets only, with their Packet Identifiers as they came"""
        return [self.line(packet, packet.octets[:64]) for packet in list(self.at(port).packets)[-int(count):]]

    def do_wait(self, port, name, count, most="64"):
        """wait PORT NAME COUNT [MOST] -> as log, after COUNT packets of that name have come"""
        self.at(port).wait_packets(name, int(count))
        return self.do_log(port, most)

    def do_send(self, port, answer, half=""):
        """send PORT ANSWER [half]; with half, only the first half of what goes over the wire"""
        self.at(port).last().answer(answer, half=bool(half))

    def do_send_later(self, port, answer):
        """send_later PORT ANSWER: as send, without waiting until the Client has taken it"""
        connection = self.at(port).last()
        threading.Thread(target=connection.answer_later, args=(answer, None), daemon=True).start()

    def do_rest(self, port):
        """rest PORT: the half that was held back"""
        self.at(port).last().rest()

    def do_connections(self, port):
        """connections PORT -> OCTETS ENDED SNI, a line for each connection; "-" for open or none"""
        return ["%d %s %s" % (one.octets, (one.ended or "-").replace(" ", "_"), one.server_name or "-")
                for one in list(self.at(port).connections)]

    def do_gone(self, port, number):
        """gone PORT NUMBER: as connections, after connection NUMBER has ended"""
        at, number = self.at(port), int(number)
        at.wait(lambda: len(at.connections) >= number and at.connections[number - 1].ended)
        return self.do_connections(port)

    def do_stall(self, port, how):
        """stall PORT stall|freeze|thaw: stop reading until the Client's writes wait; or for good; or go on"""
        self.at(port).last().stalled = None if how == "thaw" else how

    # The Server of the random tests

    def do_random(self, seed, *options):
        """random SEED [NAME=NUMBER...] -> PORT; the options are in random_server.py"""
        option = {name: int(number) for name, number in (word.split("=") for word in options)}
        listener = random_server.Listener(self.world.address, int(seed), option, self.world.context)
        self.listeners[listener.port] = listener
        return [str(listener.port)]

    def do_diary(self, port, *numbers):
        """diary PORT NUMBER...: what the device noted, four numbers for each entry"""
        self.at(port).diary.extend(map(int, numbers))

    def do_mood(self, port, mood):
        """mood PORT MOOD: of the last connection, see random_moods.py"""
        self.at(port).set_mood(mood)

    def do_answered(self, port):
        """answered PORT -> 1 if the answer that comes behind messages has been written, else 0"""
        return [str(int(self.at(port).has_answered()))]

    def do_finish(self, port):
        """finish PORT -> NUMBER of the last message; from now on nothing goes wrong"""
        return [str(self.at(port).finish())]

    def do_verdict(self, port):
        """verdict PORT -> figures, then a line for each fault"""
        return self.at(port).verdict()

    # Brokers that behave

    def do_broker(self, *lines):
        """broker [LINE...] -> PORT; lines of its configuration, "__" for a blank"""
        lines = [line.replace("__", " ") for line in lines]
        broker = brokers.Broker(self.world.folder, self.world.address, lines)
        self.brokers[broker.port] = broker
        return [str(broker.port)]

    def do_broker_end(self, port, how):
        """broker_end PORT KILL|TERM"""
        self.brokers[int(port)].end(signal.Signals["SIG" + how])

    def do_broker_save(self, port):
        """broker_save PORT: has it store all that it keeps"""
        self.brokers[int(port)].save()

    def do_broker_start(self, port):
        """broker_start PORT: again, with what it had stored"""
        self.brokers[int(port)].start()

    def do_publish(self, port, topic, qos, retain, payload=""):
        """publish PORT HEX_TOPIC QOS RETAIN HEX_PAYLOAD: by mosquitto_pub"""
        brokers.publish(self.world.address, int(port), bytes.fromhex(topic).decode(), bytes.fromhex(payload), int(qos),
                        retain == "1")

    def do_subscribe(self, port, topic, qos, session=None):
        """subscribe PORT HEX_TOPIC QOS [SESSION] -> HANDLE: by mosquitto_sub, subscribed when the reply comes"""
        topic = bytes.fromhex(topic).decode()
        self.subscribers.append(brokers.Subscriber(int(port), self.world.address, topic, qos, session))
        return [str(len(self.subscribers) - 1)]

    def do_unsubscribe(self, handle):
        """unsubscribe HANDLE: ends it; what comes for its session is kept for the next one"""
        self.subscribers[int(handle)].end()

    def do_received_until(self, handle, topic):
        """received_until HANDLE HEX_TOPIC -> as received, up to the message of that topic"""
        return self.subscribers[int(handle)].take_until(bytes.fromhex(topic).decode())

    def do_received(self, handle, count):
        """received HANDLE COUNT -> TOPIC QOS RETAIN LENGTH HEX, a line for each message, after COUNT have come"""
        return self.subscribers[int(handle)].take(int(count))

    # A link that fails

    def do_proxy(self, port, *sealed):
        """proxy BROKER_PORT [sealed] -> PORT, a link to that broker, sealed where they speak TLS"""
        link = proxy.Proxy(self.world.address, int(port), bool(sealed))
        self.proxies[link.port] = link
        return [str(link.port)]

    def do_fault(self, port, *words):
        """fault PORT cut up|down AFTER rst|fin|drop, or fault PORT slow BY: of the next connection that has none yet"""
        self.proxies[int(port)].order(*words)

    def do_links(self, port):
        """links PORT -> UP DOWN cut|whole, the octets that passed each way, for each connection, after all have ended"""
        self.proxies[int(port)].wait()
        return ["%d %d %s" % (link.passed["up"], link.passed["down"], "cut" if link.cut else "whole")
                for link in self.proxies[int(port)].links]

    def do_mistakes(self, port):
        """mistakes PORT -> HEX_PAYLOAD of each PUBLISH at QoS 2 that the broker sent again after its PUBREL"""
        return [packet.payload()[:64].hex() for packet in self.proxies[int(port)].watch.mistakes]

    # Ctrl-C: a signal for a process of this machine, an octet on the serial line for a board

    def do_interrupt(self, who, after_ms):
        """interrupt PID|BOARD AFTER_MS: Ctrl-C, once"""
        self.timers.append(threading.Timer(int(after_ms) / 1000, self.world.interrupt, (who,)))

    def do_interrupt_after(self, who, port, name, count):
        """interrupt_after PID|BOARD PORT NAME COUNT: Ctrl-C, a moment after the Server got that packet"""
        def wait():
            self.at(port).wait_packets(name, int(count))
            time.sleep(0.05)
            self.world.interrupt(who)
        threading.Thread(target=wait, daemon=True).start()

    def do_descriptors(self, pid):
        """descriptors PID -> how many file descriptors the process has open"""
        return [str(len(os.listdir("/proc/%d/fd" % int(pid))))]

    def do_resident(self, pid):
        """resident PID -> octets of memory that the process has"""
        with open("/proc/%d/statm" % int(pid)) as pages:
            return [str(int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))]


class Control(socketserver.ThreadingTCPServer):
    """The control port. Every script gets a thread."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, world):
        self.world = world
        super().__init__((world.address, 0), Script)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()
