# A thousand echoes of 1 KiB in as little heap as possible: a bare socket.
import socket
import sys

sock = socket.socket()
sock.setsockopt(6, 1, 1)
sock.connect(socket.getaddrinfo(sys.argv[1], int(sys.argv[2]))[0][-1])
sock.write(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05bench")
sock.read(4)
sock.write(b"\x82\x09\x00\x01\x00\x04echo\x00")
sock.read(5)
got = 0
head = b"\x30\x86\x08\x00\x04echo"
msg = bytes(1024)
for _ in range(1000):
    sock.write(head)
    sock.write(msg)
    sock.read(len(head))
    got += len(sock.read(1024))
print("RESULT", got)
