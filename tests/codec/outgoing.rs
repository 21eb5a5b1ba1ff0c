//! Each packet that a Client sends, against octets written by hand.

use umqtt::codec::{
    Ack, AckType, Connect, DISCONNECT, Delivery, PINGREQ, PacketIdentifier, Publish, QoS, Subscribe, TopicFilter,
    TopicName, Unsubscribe, Will,
};

use super::encoded;

fn identifier(number: u16) -> PacketIdentifier {
    PacketIdentifier::new(number).expect("not 0")
}

fn connect(packet: &Connect) -> Vec<u8> {
    encoded(packet)
}

fn publish(packet: &Publish) -> Vec<u8> {
    encoded(packet)
}

const BARE: Connect = Connect {
    client_identifier: b"",
    clean_session: true,
    keep_alive_s: 0,
    will: None,
    user_name: None,
    password: None,
};

// [MQTT-3.1.2-1] [MQTT-3.1.2-3] [MQTT-3.1.3-7]
#[test]
fn connect_without_a_client_identifier_says_clean_session_and_nothing_else() {
    assert_eq!(
        connect(&BARE),
        [
            0x10, 12, // CONNECT
            0, 4, b'M', b'Q', b'T', b'T', // protocol name
            4,    // protocol level
            0x02, // connect flags: clean session
            0, 0, // keep alive: off
            0, 0, // client identifier: empty
        ]
    );
}

// [MQTT-3.1.3-1] [MQTT-3.1.2-3]
#[test]
fn connect_has_its_fields_in_the_order_of_the_standard() {
    let will = Will {
        topic: TopicName::new(b"w/t").expect("a Topic Name"),
        message: b"gone",
        qos: QoS::ExactlyOnce,
        retain: true,
    };
    let packet = Connect {
        client_identifier: b"id",
        clean_session: false,
        keep_alive_s: 0x1234,
        will: Some(will),
        user_name: Some("ü".as_bytes()),
        password: Some(&[0xFF, 0x00]),
    };
    assert_eq!(
        connect(&packet),
        [
            0x10, 33, // CONNECT
            0, 4, b'M', b'Q', b'T', b'T', 4,    // protocol name and level
            0xF4, // user name, password, will retain, will qos 2, will
            0x12, 0x34, // keep alive
            0, 2, b'i', b'd', // client identifier
            0, 3, b'w', b'/', b't', // will topic
            0, 4, b'g', b'o', b'n', b'e', // will message
            0, 2, 0xC3, 0xBC, // user name
            0, 2, 0xFF, 0x00, // password
        ]
    );
}

// [MQTT-3.1.2-3]
#[test]
fn each_connect_flag_has_its_own_bit() {
    let topic = TopicName::new(b"w").expect("a Topic Name");
    let will = |qos, retain| Some(Will { topic, message: b"", qos, retain });
    for (flags, packet) in [
        (0x02, BARE),
        (0x00, Connect { clean_session: false, client_identifier: b"i", ..BARE }),
        (0x82, Connect { user_name: Some(b""), ..BARE }),
        (0xC2, Connect { user_name: Some(b""), password: Some(b""), ..BARE }),
        (0x06, Connect { will: will(QoS::AtMostOnce, false), ..BARE }),
        (0x0E, Connect { will: will(QoS::AtLeastOnce, false), ..BARE }),
        (0x16, Connect { will: will(QoS::ExactlyOnce, false), ..BARE }),
        (0x26, Connect { will: will(QoS::AtMostOnce, true), ..BARE }),
    ] {
        assert_eq!(connect(&packet)[9], flags, "{packet:?}");
    }
}

// [MQTT-2.3.1-5] [MQTT-2.3.1-1]
#[test]
fn publish_has_an_identifier_at_qos_1_and_2_only() {
    let topic = TopicName::new(b"a/b").expect("a Topic Name");
    let at = |delivery| Publish { dup: false, delivery, retain: false, topic, payload: b"hi" };
    assert_eq!(publish(&at(Delivery::AtMostOnce)), [0x30, 7, 0, 3, b'a', b'/', b'b', b'h', b'i']);
    assert_eq!(
        publish(&at(Delivery::AtLeastOnce(identifier(0x0102)))),
        [0x32, 9, 0, 3, b'a', b'/', b'b', 1, 2, b'h', b'i']
    );
    assert_eq!(
        publish(&at(Delivery::ExactlyOnce(identifier(0xFFFE)))),
        [0x34, 9, 0, 3, b'a', b'/', b'b', 0xFF, 0xFE, b'h', b'i']
    );
}

// [MQTT-3.3.1-1]
#[test]
fn publish_says_dup_and_retain_in_the_first_octet() {
    let topic = TopicName::new(b"t").expect("a Topic Name");
    let delivery = Delivery::AtLeastOnce(identifier(1));
    for (first, dup, retain) in [(0x32, false, false), (0x33, false, true), (0x3A, true, false), (0x3B, true, true)] {
        assert_eq!(publish(&Publish { dup, delivery, retain, topic, payload: b"" }), [first, 5, 0, 1, b't', 0, 1]);
    }
}

// [MQTT-3.8.1-1]
#[test]
fn subscribe_asks_for_one_filter() {
    for (qos, octet) in [(QoS::AtMostOnce, 0), (QoS::AtLeastOnce, 1), (QoS::ExactlyOnce, 2)] {
        let filter = TopicFilter::new(b"a/+/#").expect("a Topic Filter");
        let packet = Subscribe { packet_identifier: identifier(0x0A0B), filter, qos };
        let octets = encoded(&packet);
        assert_eq!(octets, [0x82, 10, 0x0A, 0x0B, 0, 5, b'a', b'/', b'+', b'/', b'#', octet]);
    }
}

// [MQTT-3.10.1-1] [MQTT-3.10.4-1]
#[test]
fn unsubscribe_names_the_filter_octet_for_octet() {
    let filter = TopicFilter::new("a/ü/+".as_bytes()).expect("a Topic Filter");
    let packet = Unsubscribe { packet_identifier: identifier(1), filter };
    let octets = encoded(&packet);
    assert_eq!(octets, [0xA2, 10, 0, 1, 0, 6, b'a', b'/', 0xC3, 0xBC, b'/', b'+']);
}

// [MQTT-3.6.1-1]
#[test]
fn acknowledgements_are_four_octets_and_pubrel_has_flag_2() {
    let ack = |ack_type| Ack { ack_type, packet_identifier: identifier(0x1234) }.encode();
    assert_eq!(ack(AckType::Puback), [0x40, 2, 0x12, 0x34]);
    assert_eq!(ack(AckType::Pubrec), [0x50, 2, 0x12, 0x34]);
    assert_eq!(ack(AckType::Pubrel), [0x62, 2, 0x12, 0x34]);
    assert_eq!(ack(AckType::Pubcomp), [0x70, 2, 0x12, 0x34]);
}

#[test]
fn pingreq_and_disconnect_are_a_fixed_header_alone() {
    assert_eq!(PINGREQ, [0xC0, 0]);
    assert_eq!(DISCONNECT, [0xE0, 0]);
}
