# Strings: a str goes out as UTF-8 and is counted in octets; the callback always gets bytes.

from check import test, case, same, run
from host import Server, Inbox, ask, broker_client, hexed, publish_from_elsewhere

import target


def sent(topic, msg, packet):
    server = Server()
    client = server.connected("me")
    client.publish(topic, msg, qos=1)
    client.subscribe(topic, 1)
    client.unsubscribe(topic)
    publish, subscribe, unsubscribe = server.hexes()[1:]
    same(publish, packet)
    # The topic, with its length, is the same in all three.
    size = int(packet[4:8], 16)
    field = packet[4:8 + 2 * size]
    same((subscribe, unsubscribe), ("82%02x" "0002" % (size + 5) + field + "01", "a2%02x" "0003" % (size + 4) + field))


for name, topic, msg, packet in (
        ("ascii", "ab", "cd", "3208" "00026162" "0001" "6364"), ("latin", "é", "ß", "3208" "0002c3a9" "0001" "c39f"),
        ("chinese", "中", "文字", "320d" "0003e4b8ad" "0001" "e69687e5ad97"),
        ("emoji", "😀", "🎉", "320c" "0004f09f9880" "0001" "f09f8e89"),
        ("mixed", "a/中/b", "x文", "320f" "0007612fe4b8ad2f62" "0001" "78e69687")):
    case("a_str_with_%s_is_sent_as_utf8_and_counted_in_octets" % name, sent, topic, msg, packet)


@test
def str_and_its_octets_give_the_same_packet():
    server = Server()
    client = server.connected("me")
    topic, msg = "主题/a".encode(), "消息".encode()
    for topic, msg in (("主题/a", "消息"), (topic, msg), (bytearray(topic), bytearray(msg))):
        client.publish(topic, msg)
    client.publish("end", "", qos=1)
    packets = server.hexes("PUBLISH")[:3]
    same(packets, ["3010" "0008e4b8bbe9a2982f61" "e6b688e681af"] * 3)


@test
def two_octets_of_remaining_length_are_due_where_octets_ask_for_them():
    # 61 characters of three octets: 188 octets in all, though only 66 characters.
    server = Server()
    client = server.connected("me")
    client.publish("t", "中" * 61, qos=1)
    packet = server.log("PUBLISH", 300)[0]
    same(packet.hex, "32bc01" "000174" "0001" + "e4b8ad" * 61)


@test
def a_will_in_chinese_is_counted_in_octets():
    server = Server()
    client = server.client("me")
    client.set_last_will("遗", "嘱")
    client.connect()
    same(server.hexes(), ["1018" "00044d515454" "04" "06" "003c" "00026d65" "0003e98197" "0003e598b1"])


@test
def the_callback_gets_bytes_for_chinese_too():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("3008" "0003e4b8ad" "e69687")
    client.wait_msg()
    same([(type(topic), type(msg)) for topic, msg in inbox.messages], [(bytes, bytes)])
    same(inbox.messages, [("中".encode(), "文".encode())])


@test
def a_payload_need_not_be_text():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBLISH=&", callback=inbox)
    every = bytes(range(256))
    client.publish("t", every)
    client.wait_msg()
    same(inbox.messages, [(b"t", every)])


@test
def chinese_topics_and_payloads_pass_mosquitto_both_ways():
    inbox = Inbox()
    client = broker_client("文本-1", callback=inbox)
    handle = ask("subscribe", target.BROKER, hexed("文本/+"), 1)[0]
    client.subscribe("文本/+", 1)
    client.publish("文本/一", "你好", qos=1)
    publish_from_elsewhere("文本/二", "世界", 1)
    while len(inbox.messages) < 2:
        client.wait_msg()
    same(inbox.messages, [("文本/一".encode(), "你好".encode()), ("文本/二".encode(), "世界".encode())])
    same(ask("received", handle, 2), ["文本/一 1 0 6 e4bda0e5a5bd", "文本/二 1 0 6 e4b896e7958c"])
    client.disconnect()


run()
