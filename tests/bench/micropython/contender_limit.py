# The limit: loops that only do the socket calls, on octets prepared beforehand and a socket with the same options.

import socket

from clients import TOPIC, all_done, number_of, settle

CONNECT = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05bench"
DISCONNECT = b"\xe0\x00"


def packet(first, body):
    head, left = bytearray([first]), len(body)
    while left > 127:
        head.append(left & 127 | 128)
        left >>= 7
    head.append(left)
    return bytes(head) + body


def publish_packet(topic, size, qos):
    identifier = b"\x00\x01" if qos else b""
    return packet(0x30 | qos << 1, bytes([0, len(topic)]) + topic + identifier + bytes(size))


def opened(host, port):
    sock = socket.socket()
    try:
        sock.setsockopt(6, 1, 1)  # TCP_NODELAY
    except Exception:
        pass  # not every port knows it
    sock.connect(socket.getaddrinfo(host, port)[0][-1])
    sock.write(CONNECT)
    sock.read(4)
    return sock


def subscribe(sock, topic):
    sock.write(packet(0x82, b"\x00\x01" + bytes([0, len(topic)]) + topic + b"\x00"))
    sock.read(5)


def publish0(host, port, size, count):
    write = opened(host, port).write
    publish = publish_packet(TOPIC, size, 0)

    def run(n):
        for _ in range(n):
            write(publish)

    return run, all_done


def publish1(host, port, size, count):
    sock = opened(host, port)
    write, read = sock.write, sock.read
    publish = publish_packet(TOPIC, size, 1)

    def run(n):
        for _ in range(n):
            write(publish)
            read(4)

    return run, all_done


def subscribed(host, port, size, count):
    sock = opened(host, port)
    subscribe(sock, b"%d/%d" % (size, count))
    settle(host, port, count)
    return sock


def receive_wait(host, port, size, count):
    # Small messages: a read for each. 4 KiB: recv without regard to where a message begins. Larger ones: each into a
    # bytearray of its own.
    sock = subscribed(host, port, size, count)
    read, recv, readinto = sock.read, sock.recv, sock.readinto
    length = len(publish_packet(TOPIC, size, 0))

    def run_reads(n):
        for _ in range(n):
            read(length)

    def run_recvs(n):
        for _ in range(n):
            recv(4096)

    def run_bytearrays(n):
        for _ in range(n):
            readinto(bytearray(length))

    def delivered(done):
        if count:
            return done
        seen = b""
        while TOPIC not in seen[:-8]:
            seen += read(length)
        begin = seen.find(TOPIC) + len(TOPIC)
        return number_of(seen[begin:begin + 8])

    if size == 4096:
        return run_recvs, delivered
    return run_reads if size < 4096 else run_bytearrays, delivered


receive_check = receive_wait


def idle(host, port, size, count):
    sock = opened(host, port)
    sock.setblocking(False)
    read = sock.read

    def run(n):
        for _ in range(n):
            read(1)

    return run, all_done


def echo(host, port, size, count):
    sock = opened(host, port)
    subscribe(sock, b"echo")
    write, read = sock.write, sock.read
    publish = publish_packet(b"echo", size, 0)

    def run(n):
        for _ in range(n):
            write(publish)
            read(len(publish))

    return run, all_done


def cycle(host, port, size, count):
    def run(n):
        for _ in range(n):
            import socket  # where a name is looked for also costs system calls
            sock = opened(host, port)
            sock.write(DISCONNECT)
            sock.close()

    return run, all_done
