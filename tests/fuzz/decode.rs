//! Fixed headers, packets and topics of arbitrary octets, held against a second opinion written here.
#![no_main]

#[allow(clippy::duplicate_mod, reason = "a part of tests/support is enough")]
#[path = "../support/packets.rs"]
#[allow(dead_code)]
mod packets;

mod drawn;
#[allow(clippy::duplicate_mod, reason = "as above")]
#[path = "../support/random.rs"]
#[allow(dead_code)]
mod random;

use umqtt::codec::fixed_header::FixedHeader;
use umqtt::codec::topic::check_string;
use umqtt::codec::{AckType, ConnectReturnCode, Delivery, Packet, PacketIdentifier, QoS, TopicFilter, TopicName};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| drawn::with_others(octets, decode));

fn decode(octets: &[u8]) {
    fixed_header(octets);
    if let Some((&first, body)) = octets.split_first() {
        packet(first, body);
    }
    topic(octets);
}

/// What has been seen of a header settles it: it does not change with what comes later. Its length is the one that the
/// octets say, and its packet is read from as many octets.
fn fixed_header(octets: &[u8]) {
    let read = FixedHeader::read(octets);
    for len in 0..octets.len().min(6) {
        match FixedHeader::read(&octets[..len]) {
            Ok(None) => {}
            settled => assert_eq!(settled, read, "settled after {len} octets"),
        }
    }
    let Ok(Some((header, len))) = read else { return };
    let said = octets[1..len].iter().rev().fold(0, |said, &octet| said << 7 | u32::from(octet & 0x7F));
    assert_eq!((header.first, header.remaining_length), (octets[0], said));
    assert!(len <= 5 && octets[len - 1] & 0x80 == 0 && octets[1..len - 1].iter().all(|octet| octet & 0x80 != 0));
    let remaining_length = usize::try_from(header.remaining_length).expect("32 bits");
    if let Some(body) = octets[len..].get(..remaining_length) {
        packet(header.first, body);
    }
}

/// A packet that is taken is, put together again by hand, the octets that it was.
fn packet(first: u8, body: &[u8]) {
    let Ok(packet) = Packet::decode(first, body) else { return };
    let again = match packet {
        Packet::Connack(connack) => {
            assert!(!connack.session_present || connack.return_code == ConnectReturnCode::Accepted);
            vec![0x20, 2, connack.session_present.into(), connack.return_code as u8]
        }
        Packet::Publish(publish) => {
            let (qos, identifier) = match publish.delivery {
                Delivery::AtMostOnce => (0, 0),
                Delivery::AtLeastOnce(identifier) => (1, identifier.get()),
                Delivery::ExactlyOnce(identifier) => (2, identifier.get()),
            };
            // Which flags go together, the fixed header has checked.
            let qos = if first & 0x06 == 0x06 { 3 } else { qos };
            let again = 0x30 | u8::from(publish.dup) << 3 | qos << 1 | u8::from(publish.retain);
            packets::publish(again, publish.topic.octets(), identifier, publish.payload)
        }
        Packet::Ack(ack) => {
            let identifier = ack.packet_identifier.get();
            match ack.ack_type {
                AckType::Puback => packets::puback(identifier),
                AckType::Pubrec => packets::pubrec(identifier),
                AckType::Pubrel => packets::pubrel(identifier),
                AckType::Pubcomp => packets::pubcomp(identifier),
            }
        }
        Packet::Suback(suback) => {
            packets::suback(suback.packet_identifier.get(), suback.granted.map_or(0x80, |qos: QoS| qos as u8))
        }
        Packet::Unsuback(identifier) => packets::unsuback(PacketIdentifier::get(identifier)),
        Packet::Pingresp => packets::PINGRESP.to_vec(),
    };
    assert_eq!(again, packets::packet(first, &[body]));
}

/// Strings are what Rust's own library takes for UTF-8; wildcards stand where 4.7.1 allows them.
fn topic(octets: &[u8]) {
    let string = std::str::from_utf8(octets).ok().filter(|string| !string.contains('\0'));
    let string = string.filter(|string| string.len() <= 65_535);
    assert_eq!(check_string(octets).is_ok(), string.is_some());
    let topic = string.filter(|string| !string.is_empty());
    assert_eq!(TopicName::new(octets).is_ok(), topic.is_some_and(|topic| !topic.contains(['+', '#'])));
    let is_filter = |filter: &str| {
        let levels: Vec<&str> = filter.split('/').collect();
        let in_place = |(place, level): (usize, &&str)| match *level {
            "+" => true,
            "#" => place + 1 == levels.len(),
            level => !level.contains(['+', '#']),
        };
        levels.iter().enumerate().all(in_place)
    };
    assert_eq!(TopicFilter::new(octets).is_ok(), topic.is_some_and(is_filter));
}
