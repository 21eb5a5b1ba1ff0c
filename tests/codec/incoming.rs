//! Each packet that a Server sends: whole, cut short at each octet, in single octets, and wrong in each way.

use umqtt::codec::{
    Ack, AckType, Connack, ConnectReturnCode, Cut, DecodeError, Delivery, Packet, PacketIdentifier, Publish, QoS,
    Reader, Suback, TopicName,
};

fn identifier(number: u16) -> PacketIdentifier {
    PacketIdentifier::new(number).expect("not 0")
}

/// A reader that these octets were put into.
fn filled(octets: &[u8]) -> Reader<64> {
    let mut reader = Reader::new();
    reader.space()[..octets.len()].copy_from_slice(octets);
    reader.filled(octets.len());
    reader
}

/// What these octets decode to; `None` while more are needed.
fn decode(octets: &[u8]) -> Result<Option<String>, DecodeError> {
    let mut reader = filled(octets);
    match reader.cut()? {
        Cut::Nothing => Ok(None),
        Cut::Packet(packet_type, body) => {
            let packet = Packet::decode(packet_type, reader.octets(body))?;
            assert!(reader.pending().is_empty(), "the whole packet is taken out");
            Ok(Some(format!("{packet:?}")))
        }
        Cut::Long(long) => panic!("{long:?} fits into the buffer"),
    }
}

/// Every packet type that a Server sends, in octets and as what it means.
fn all() -> Vec<(Vec<u8>, Packet<'static>)> {
    let ack = |ack_type, number| Packet::Ack(Ack { ack_type, packet_identifier: identifier(number) });
    let connack = |session_present, return_code| Packet::Connack(Connack { session_present, return_code });
    let suback = |number, granted| Packet::Suback(Suback { packet_identifier: identifier(number), granted });
    let publish = |dup, delivery, retain, topic, payload| {
        let topic = TopicName::new(topic).expect("a Topic Name");
        Packet::Publish(Publish { dup, delivery, retain, topic, payload })
    };
    vec![
        (vec![0x20, 2, 0, 0], connack(false, ConnectReturnCode::Accepted)),
        (vec![0x20, 2, 1, 0], connack(true, ConnectReturnCode::Accepted)),
        (vec![0x20, 2, 0, 1], connack(false, ConnectReturnCode::UnacceptableProtocolVersion)),
        (vec![0x20, 2, 0, 2], connack(false, ConnectReturnCode::IdentifierRejected)),
        (vec![0x20, 2, 0, 3], connack(false, ConnectReturnCode::ServerUnavailable)),
        (vec![0x20, 2, 0, 4], connack(false, ConnectReturnCode::BadUserNameOrPassword)),
        (vec![0x20, 2, 0, 5], connack(false, ConnectReturnCode::NotAuthorized)),
        (vec![0x30, 3, 0, 1, b't'], publish(false, Delivery::AtMostOnce, false, b"t", b"")),
        (vec![0x31, 6, 0, 2, 0xC3, 0xBC, 0, 1], publish(false, Delivery::AtMostOnce, true, "ü".as_bytes(), &[0, 1])),
        (
            vec![0x32, 7, 0, 1, b't', 0, 9, 0xFF, 0],
            publish(false, Delivery::AtLeastOnce(identifier(9)), false, b"t", &[0xFF, 0]),
        ),
        (vec![0x3B, 5, 0, 1, b't', 0, 9], publish(true, Delivery::AtLeastOnce(identifier(9)), true, b"t", b"")),
        (
            vec![0x34, 6, 0, 1, b't', 0xFF, 0xFF, b'p'],
            publish(false, Delivery::ExactlyOnce(identifier(0xFFFF)), false, b"t", b"p"),
        ),
        (
            vec![0x3C, 6, 0, 1, b't', 1, 0, b'p'],
            publish(true, Delivery::ExactlyOnce(identifier(256)), false, b"t", b"p"),
        ),
        (vec![0x40, 2, 0, 1], ack(AckType::Puback, 1)),
        (vec![0x50, 2, 0x12, 0x34], ack(AckType::Pubrec, 0x1234)),
        (vec![0x62, 2, 0xFF, 0xFF], ack(AckType::Pubrel, 0xFFFF)),
        (vec![0x70, 2, 1, 0], ack(AckType::Pubcomp, 256)),
        (vec![0x90, 3, 0, 7, 0], suback(7, Some(QoS::AtMostOnce))),
        (vec![0x90, 3, 0, 7, 1], suback(7, Some(QoS::AtLeastOnce))),
        (vec![0x90, 3, 0, 7, 2], suback(7, Some(QoS::ExactlyOnce))),
        (vec![0x90, 3, 0, 7, 0x80], suback(7, None)),
        (vec![0xB0, 2, 0, 8], Packet::Unsuback(identifier(8))),
        (vec![0xD0, 0], Packet::Pingresp),
        // 2.2.3 does not ask for the shortest form of Remaining Length.
        (vec![0xD0, 0x80, 0], Packet::Pingresp),
        (vec![0x40, 0x82, 0x80, 0x80, 0, 0, 1], ack(AckType::Puback, 1)),
    ]
}

#[test]
fn each_packet_means_what_its_octets_say() {
    for (octets, packet) in all() {
        assert_eq!(decode(&octets), Ok(Some(format!("{packet:?}"))), "{octets:x?}");
    }
}

#[test]
fn each_packet_cut_short_needs_more_octets() {
    for (octets, _) in all() {
        for len in 0..octets.len() {
            assert_eq!(decode(&octets[..len]), Ok(None), "{:x?}", &octets[..len]);
        }
    }
}

#[test]
fn packets_octet_by_octet_are_the_same_packets() {
    let stream: Vec<u8> = all().into_iter().flat_map(|(octets, _)| octets).collect();
    let mut reader: Reader<16> = Reader::new();
    let mut decoded = Vec::new();
    for octet in stream {
        reader.space()[0] = octet;
        reader.filled(1);
        match reader.cut() {
            Ok(Cut::Nothing) => {}
            Ok(Cut::Packet(packet_type, body)) => {
                decoded.push(format!("{:?}", Packet::decode(packet_type, reader.octets(body))));
            }
            other => panic!("{other:?}"),
        }
    }
    let expected: Vec<String> = all().into_iter().map(|(_, packet)| format!("Ok({packet:?})")).collect();
    assert_eq!(decoded, expected);
}

// [MQTT-2.2.2-2] [MQTT-3.3.1-2] [MQTT-3.3.1-4] [MQTT-3.6.1-1]
#[test]
fn each_first_octet_is_a_packet_of_a_server_or_refused_at_once() {
    for first in 0..=255_u8 {
        let expected = match first {
            0x20 | 0x30..=0x35 | 0x3A..=0x3D | 0x40 | 0x50 | 0x62 | 0x70 | 0x90 | 0xB0 | 0xD0 => Ok(None),
            0x36 | 0x37 | 0x3E | 0x3F => Err(DecodeError::BothQosBits),
            0x38 | 0x39 => Err(DecodeError::DupAtMostOnce),
            0x21..=0x2F
            | 0x41..=0x4F
            | 0x51..=0x5F
            | 0x60..=0x6F
            | 0x71..=0x7F
            | 0x91..=0x9F
            | 0xB1..=0xBF
            | 0xD1..=0xDF => Err(DecodeError::ReservedFlags),
            0x00..=0x1F | 0x80..=0x8F | 0xA0..=0xAF | 0xC0..=0xCF | 0xE0..=0xFF => Err(DecodeError::UnexpectedType),
        };
        assert_eq!(decode(&[first]), expected, "{first:#x}");
    }
}

// [MQTT-3.8.4-5]
#[test]
fn a_remaining_length_that_no_such_packet_has_is_refused_before_the_rest() {
    for first in [0x20, 0x40, 0x50, 0x62, 0x70, 0xB0] {
        for len in [0, 1, 3, 4, 127] {
            assert_eq!(decode(&[first, len]), Err(DecodeError::Length), "{first:#x} {len}");
        }
        assert_eq!(decode(&[first, 0xFF, 0xFF, 0xFF, 0x7F]), Err(DecodeError::Length), "{first:#x}");
    }
    for len in [0, 1, 2, 4, 127] {
        assert_eq!(decode(&[0x90, len]), Err(DecodeError::Length), "SUBACK {len}");
    }
    for len in [1, 2, 127] {
        assert_eq!(decode(&[0xD0, len]), Err(DecodeError::Length), "PINGRESP {len}");
    }
    for (first, shortest) in [(0x30, 3), (0x32, 5), (0x34, 5)] {
        for len in 0..shortest {
            assert_eq!(decode(&[first, len]), Err(DecodeError::Length), "PUBLISH {first:#x} {len}");
        }
        assert_eq!(decode(&[first, shortest]), Ok(None));
    }
}

#[test]
fn a_fifth_octet_of_remaining_length_is_refused() {
    for first in [0x20, 0x30, 0x32, 0x34, 0x40, 0x90, 0xD0] {
        assert_eq!(decode(&[first, 0x80, 0x80, 0x80]), Ok(None));
        assert_eq!(decode(&[first, 0x80, 0x80, 0x80, 0x80]), Err(DecodeError::RemainingLength), "{first:#x}");
        assert_eq!(decode(&[first, 0xFF, 0xFF, 0xFF, 0xFF]), Err(DecodeError::RemainingLength), "{first:#x}");
    }
}

// [MQTT-2.3.1-1]
#[test]
fn packet_identifier_0_is_refused() {
    for octets in [
        &[0x40, 2, 0, 0][..],
        &[0x50, 2, 0, 0],
        &[0x62, 2, 0, 0],
        &[0x70, 2, 0, 0],
        &[0x90, 3, 0, 0, 0],
        &[0xB0, 2, 0, 0],
        &[0x32, 5, 0, 1, b't', 0, 0],
        &[0x34, 6, 0, 1, b't', 0, 0, 1],
    ] {
        assert_eq!(decode(octets), Err(DecodeError::PacketIdentifier), "{octets:x?}");
    }
}

// [MQTT-3.2.2-4]
#[test]
fn connack_with_other_flags_or_codes_is_refused() {
    for flags in 0..=255 {
        for code in 0..=255 {
            let expected = match (flags, code) {
                (_, 6..) => Err(DecodeError::ConnectReturnCode),
                (0, _) | (1, 0) => continue,
                _ => Err(DecodeError::ConnackFlags),
            };
            assert_eq!(decode(&[0x20, 2, flags, code]), expected, "{flags} {code}");
        }
    }
}

// [MQTT-3.9.3-2]
#[test]
fn suback_with_another_return_code_is_refused() {
    for code in (3..0x80).chain(0x81..=0xFF) {
        assert_eq!(decode(&[0x90, 3, 0, 1, code]), Err(DecodeError::SubackReturnCode), "{code:#x}");
    }
}

// [MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT-4.7.3-1] [MQTT-1.5.3-1] [MQTT-1.5.3-2]
#[test]
fn publish_with_a_topic_that_is_none_is_refused() {
    for octets in [
        &[0x30, 3, 0, 0, b't'][..],
        &[0x30, 3, 0, 1, b'#'],
        &[0x30, 3, 0, 1, b'+'],
        &[0x30, 3, 0, 1, 0],
        &[0x30, 3, 0, 1, 0x80],
        &[0x30, 5, 0, 3, 0xED, 0xA0, 0x80],
        &[0x30, 4, 0, 1, 0xC3, 0xBC],
    ] {
        assert_eq!(decode(octets), Err(DecodeError::Topic), "{octets:x?}");
    }
}

#[test]
fn publish_with_fields_longer_than_the_packet_is_refused() {
    for octets in [
        &[0x30, 3, 0, 2, b't'][..],
        &[0x30, 3, 0xFF, 0xFF, b't'],
        &[0x32, 5, 0, 2, b't', b'u', 1],
        &[0x34, 5, 0, 3, b't', b'u', b'v'],
    ] {
        assert_eq!(decode(octets), Err(DecodeError::Length), "{octets:x?}");
    }
}
