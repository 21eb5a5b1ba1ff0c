//! Where a length takes one octet more, and where it ends, both ways.

use umqtt::codec::fixed_header::{FixedHeader, REMAINING_LENGTH_MAX};
use umqtt::codec::{
    Connect, ControlPacket, Cut, Delivery, EncodeError, Field, Packet, PacketIdentifier, Publish, QoS, Reader,
    Subscribe, TopicFilter, TopicName, Unsubscribe, Will, packet_len,
};

use super::encoded;
use super::support::packets::numbered;

/// Remaining Length on either side of each boundary, in octets.
const LENGTHS: [(u32, &[u8]); 8] = [
    (127, &[0x7F]),
    (128, &[0x80, 0x01]),
    (16_383, &[0xFF, 0x7F]),
    (16_384, &[0x80, 0x80, 0x01]),
    (2_097_151, &[0xFF, 0xFF, 0x7F]),
    (2_097_152, &[0x80, 0x80, 0x80, 0x01]),
    (268_435_454, &[0xFE, 0xFF, 0xFF, 0x7F]),
    (268_435_455, &[0xFF, 0xFF, 0xFF, 0x7F]),
];

/// Payload of a PUBLISH of topic "t" at QoS 0 with this Remaining Length.
fn payload_len(remaining_length: u32) -> usize {
    usize::try_from(remaining_length - 3).expect("32 bits")
}

fn publish(payload: &[u8]) -> Publish<'_> {
    let topic = TopicName::new(b"t").expect("a Topic Name");
    Publish { dup: false, delivery: Delivery::AtMostOnce, retain: false, topic, payload }
}

#[test]
fn remaining_length_goes_out_in_as_many_octets_as_it_needs() {
    // Pages of zeros that nobody touches cost nothing.
    let zeros = vec![0; payload_len(REMAINING_LENGTH_MAX) + 1];
    for (remaining_length, octets) in LENGTHS {
        let packet = publish(&zeros[..payload_len(remaining_length)]);
        let header_len = 1 + octets.len();
        assert_eq!(packet.remaining_length(), Ok(remaining_length));
        assert_eq!(packet_len(remaining_length), u32::try_from(header_len).expect("small") + remaining_length);
        let mut window: heapless::Vec<u8, 8> = heapless::Vec::new();
        packet.put(remaining_length, &mut umqtt::codec::Window::new(&mut window, 0));
        let expected = [&[0x30][..], octets, &[0, 1, b't'], &[0; 8]].concat();
        assert_eq!(window, expected[..8], "{remaining_length}");
    }
    assert_eq!(publish(&zeros).remaining_length(), Err(EncodeError::PacketTooLong));
}

#[test]
fn a_packet_identifier_counts_in_the_longest_packet() {
    let topic = TopicName::new(b"t").expect("a Topic Name");
    let delivery = Delivery::ExactlyOnce(PacketIdentifier::FIRST);
    let zeros = vec![0; payload_len(REMAINING_LENGTH_MAX)];
    let at =
        |len: usize| Publish { dup: false, delivery, retain: false, topic, payload: &zeros[..len] }.remaining_length();
    assert_eq!(at(zeros.len() - 2), Ok(REMAINING_LENGTH_MAX));
    assert_eq!(at(zeros.len() - 1), Err(EncodeError::PacketTooLong));
}

#[test]
fn remaining_length_comes_in_as_it_goes_out() {
    for (remaining_length, octets) in LENGTHS {
        let header = [&[0x30][..], octets].concat();
        let read = FixedHeader { first: 0x30, remaining_length };
        assert_eq!(FixedHeader::read(&header), Ok(Some((read, header.len()))));
        for len in 0..header.len() {
            assert_eq!(FixedHeader::read(&header[..len]), Ok(None), "{remaining_length} cut to {len}");
        }
    }
}

#[test]
fn a_packet_of_two_mebioctets_goes_out_whole() {
    for remaining_length in [16_383, 16_384, 2_097_151, 2_097_152] {
        let payload = numbered(payload_len(remaining_length));
        let packet = publish(&payload);
        let octets = encoded(&packet);
        assert_eq!(octets[octets.len() - payload.len()..], payload);
    }
}

#[test]
fn a_message_of_each_length_comes_in_whole() {
    for (remaining_length, octets) in &LENGTHS[..6] {
        let payload = numbered(payload_len(*remaining_length));
        let packet = [&[0x30][..], octets, &[0, 1, b't'], &payload].concat();
        assert_eq!(assembled(&packet), (b"t".to_vec(), payload), "{remaining_length}");
    }
}

/// Topic and payload of a PUBLISH at QoS 0 that goes through a buffer of 300 octets.
fn assembled(packet: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut reader: Reader<300> = Reader::new();
    let mut rest = packet;
    let mut long = loop {
        fill(&mut reader, &mut rest);
        match reader.cut().expect("well formed") {
            Cut::Nothing => assert!(!rest.is_empty(), "the packet is all there"),
            Cut::Long(long) => break long,
            Cut::Packet(packet_type, body) => {
                let Ok(Packet::Publish(publish)) = Packet::decode(packet_type, reader.octets(body)) else {
                    panic!("no PUBLISH");
                };
                return (publish.topic.octets().to_vec(), publish.payload.to_vec());
            }
        }
    };
    let mut fields = [Vec::new(), Vec::new()];
    loop {
        let field = &mut fields[usize::from(long.field() == Field::Payload)];
        let len = reader.pending().len().min(usize::try_from(long.missing()).expect("32 bits"));
        field.extend_from_slice(&reader.pending()[..len]);
        long.came(&reader.pending()[..len]).expect("a topic");
        reader.take(len);
        match (long.missing(), long.field()) {
            (0, Field::Payload) => return fields.into(),
            (0, _) => long.topic_done().expect("an identifier"),
            _ => fill(&mut reader, &mut rest),
        }
    }
}

/// Puts as much of `rest` into the reader as fits.
fn fill<const N: usize>(reader: &mut Reader<N>, rest: &mut &[u8]) {
    let space = reader.space();
    let len = space.len().min(rest.len());
    space[..len].copy_from_slice(&rest[..len]);
    reader.filled(len);
    *rest = &rest[len..];
}

const BARE: Connect = Connect {
    client_identifier: b"",
    clean_session: true,
    keep_alive_s: 0,
    will: None,
    user_name: None,
    password: None,
};

// [MQTT-1.5.3-1] allows a string of no octets.
#[test]
fn fields_of_connect_have_0_to_65535_octets() {
    let long = numbered(65_536);
    let with = |field: &'static str, octets| match field {
        "client identifier" => Connect { client_identifier: octets, ..BARE },
        "user name" => Connect { user_name: Some(octets), ..BARE },
        "password" => Connect { user_name: Some(b"u"), password: Some(octets), ..BARE },
        _ => {
            let topic = TopicName::new(b"w").expect("a Topic Name");
            Connect { will: Some(Will { topic, message: octets, qos: QoS::AtMostOnce, retain: false }), ..BARE }
        }
    };
    for field in ["client identifier", "user name", "password", "will message"] {
        let packet = with(field, &long[..65_535]);
        let octets = encoded(&packet);
        assert!(octets.windows(65_537).any(|part| part[..2] == [0xFF, 0xFF] && part[2..] == long[..65_535]), "{field}");
        let packet = with(field, &[]);
        let octets = encoded(&packet);
        assert!(octets.windows(2).any(|part| part == [0, 0]), "{field}");
        let packet = with(field, &long);
        assert_eq!(packet.remaining_length(), Err(EncodeError::FieldTooLong), "{field}");
    }
}

// [MQTT-4.7.3-3]
#[test]
fn topics_of_65535_octets_go_out_and_come_in() {
    let topic = vec![b'a'; 65_535];
    let body_of = |octets: Vec<u8>, header: &[u8]| {
        assert_eq!(octets[..header.len()], *header);
        assert_eq!(octets[header.len()..header.len() + 65_535], topic);
        octets[header.len() + 65_535..].to_vec()
    };
    let name = TopicName::new(&topic).expect("a Topic Name");
    let filter = TopicFilter::new(&topic).expect("a Topic Filter");
    let packet_identifier = PacketIdentifier::FIRST;

    let packet =
        Publish { dup: false, delivery: Delivery::AtMostOnce, retain: false, topic: name, payload: b"payload" };
    let octets = encoded(&packet);
    assert_eq!(assembled(&octets), (topic.clone(), b"payload".to_vec()));
    // 65,544 = 8 + 0 * 128 + 4 * 16,384.
    assert_eq!(body_of(octets, &[0x30, 0x88, 0x80, 0x04, 0xFF, 0xFF]), b"payload");

    let packet = Subscribe { packet_identifier, filter, qos: QoS::ExactlyOnce };
    let octets = encoded(&packet);
    // 65,540 = 4 + 0 * 128 + 4 * 16,384.
    assert_eq!(body_of(octets, &[0x82, 0x84, 0x80, 0x04, 0, 1, 0xFF, 0xFF]), [2]);

    let packet = Unsubscribe { packet_identifier, filter };
    let octets = encoded(&packet);
    assert_eq!(body_of(octets, &[0xA2, 0x83, 0x80, 0x04, 0, 1, 0xFF, 0xFF]), b"");
}

#[test]
fn the_longest_connect_goes_out_whole() {
    let long = numbered(65_535);
    let topic = vec![b'w'; 65_535];
    let topic = TopicName::new(&topic).expect("a Topic Name");
    let packet = Connect {
        client_identifier: &long,
        will: Some(Will { topic, message: &long, qos: QoS::AtLeastOnce, retain: false }),
        user_name: Some(&long),
        password: Some(&long),
        ..BARE
    };
    let octets = encoded(&packet);
    // 10 + 5 * 65,537 = 327,695 = 15 + 0 * 128 + 20 * 16,384.
    assert_eq!(octets[..14], [0x10, 0x8F, 0x80, 0x14, 0, 4, b'M', b'Q', b'T', b'T', 4, 0xCE, 0, 0]);
    assert_eq!(octets.len(), 4 + 327_695);
    assert_eq!(octets[octets.len() - 65_535..], long);
}

#[test]
fn a_packet_that_just_fits_the_buffer_comes_whole_and_one_octet_more_comes_in_parts() {
    // 297 = 41 + 2 * 128.
    for (remaining_length, low, is_long) in [(297, 41, false), (298, 42, true)] {
        let payload = numbered(payload_len(remaining_length));
        let packet = [&[0x30, low | 0x80, 2, 0, 1, b't'][..], &payload].concat();
        let mut reader: Reader<300> = Reader::new();
        fill(&mut reader, &mut &packet[..]);
        let cut = reader.cut().expect("well formed");
        assert_eq!(matches!(cut, Cut::Long(_)), is_long, "{cut:?}");
        assert_eq!(assembled(&packet), (b"t".to_vec(), payload));
    }
}
