//! What the other codec writes for a Server, ours reads as the same values.

use mqtt_proto::v3;
use proptest::prelude::*;
use proptest::sample::select;
use umqtt::codec::fixed_header::FixedHeader;
use umqtt::codec::{Ack, AckType, Connack, ConnectReturnCode, Delivery, Packet, Publish, QoS, Suback, TopicName};

use super::support::packets;
use super::values::{
    config, delivery, octets, other_delivery, other_identifier, other_topic, packet_identifier, topic_name,
};

/// The packet that our codec reads out of octets that are just one.
fn read(octets: &[u8]) -> Option<Packet<'_>> {
    let (header, len) = FixedHeader::read(octets).ok()??;
    let body = octets.get(len..)?;
    if body.len() != usize::try_from(header.remaining_length).expect("32 bits") {
        return None;
    }
    Packet::decode(header.first, body).ok()
}

/// Our codec reads this packet out of what the other writes, and nothing out of part of it.
fn is_read_as(theirs: &v3::Packet, packet: &Packet) {
    let octets = theirs.encode().expect("a packet that can be sent");
    let octets = octets.as_ref();
    assert_eq!(read(octets).as_ref(), Some(packet));
    assert_eq!(read(&octets[..octets.len() - 1]), None);
}

/// The other codec's packet of what ours has read.
fn as_other(packet: &Packet) -> v3::Packet {
    match packet {
        Packet::Connack(Connack { session_present, return_code }) => {
            v3::Packet::Connack(v3::Connack::new(*session_present, other_code(*return_code)))
        }
        Packet::Publish(publish) => v3::Packet::Publish(v3::Publish {
            dup: publish.dup,
            retain: publish.retain,
            qos_pid: other_delivery(publish.delivery),
            topic_name: other_topic(std::str::from_utf8(publish.topic.octets()).expect("UTF-8")),
            payload: publish.payload.to_vec().into(),
        }),
        Packet::Ack(Ack { ack_type, packet_identifier }) => {
            let pid = other_identifier(*packet_identifier);
            match ack_type {
                AckType::Puback => v3::Packet::Puback(pid),
                AckType::Pubrec => v3::Packet::Pubrec(pid),
                AckType::Pubrel => v3::Packet::Pubrel(pid),
                AckType::Pubcomp => v3::Packet::Pubcomp(pid),
            }
        }
        Packet::Suback(Suback { packet_identifier, granted }) => v3::Packet::Suback(v3::Suback {
            pid: other_identifier(*packet_identifier),
            topics: vec![other_granted(*granted)],
        }),
        Packet::Unsuback(identifier) => v3::Packet::Unsuback(other_identifier(*identifier)),
        Packet::Pingresp => v3::Packet::Pingresp,
    }
}

fn other_granted(granted: Option<QoS>) -> v3::SubscribeReturnCode {
    match granted {
        Some(QoS::AtMostOnce) => v3::SubscribeReturnCode::MaxLevel0,
        Some(QoS::AtLeastOnce) => v3::SubscribeReturnCode::MaxLevel1,
        Some(QoS::ExactlyOnce) => v3::SubscribeReturnCode::MaxLevel2,
        None => v3::SubscribeReturnCode::Failure,
    }
}

fn other_code(code: ConnectReturnCode) -> v3::ConnectReturnCode {
    v3::ConnectReturnCode::from_u8(code as u8).expect("the same codes")
}

/// DUP goes with QoS 1 and 2 only [MQTT-3.3.1-2]; the other codec does not mind.
fn dup_of(delivery: Delivery, dup: bool) -> bool {
    dup && delivery != Delivery::AtMostOnce
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn publish_is_read_as_it_was_written(
        topic in topic_name(), payload in octets(), delivery in delivery(), retain in any::<bool>(), dup in any::<bool>(),
    ) {
        let dup = dup_of(delivery, dup);
        let topic = TopicName::new(topic.as_bytes()).expect("a Topic Name");
        let packet = Packet::Publish(Publish { dup, delivery, retain, topic, payload: &payload });
        is_read_as(&as_other(&packet), &packet);
    }

    #[test]
    fn acknowledgements_are_read_as_they_were_written(packet_identifier in packet_identifier()) {
        for ack_type in [AckType::Puback, AckType::Pubrec, AckType::Pubrel, AckType::Pubcomp] {
            let packet = Packet::Ack(Ack { ack_type, packet_identifier });
            is_read_as(&as_other(&packet), &packet);
        }
        for granted in [QoS::new(0), QoS::new(1), QoS::new(2)] {
            let packet = Packet::Suback(Suback { packet_identifier, granted });
            is_read_as(&as_other(&packet), &packet);
        }
        // The other codec reads a refusal right, but writes it as code 3.
        let refused = packets::suback(packet_identifier.get(), 0x80);
        let packet = Packet::Suback(Suback { packet_identifier, granted: None });
        assert_eq!(read(&refused), Some(packet));
        assert_eq!(v3::Packet::decode(&refused), Ok(Some(as_other(&packet))));
        let packet = Packet::Unsuback(packet_identifier);
        is_read_as(&as_other(&packet), &packet);
    }

    /// Octets changed at random: what our codec takes nevertheless, the other takes for the same.
    #[test]
    fn what_is_read_of_damaged_packets_is_read_alike(
        topic in topic_name(), payload in octets(), delivery in delivery(),
        kind in 0..4_usize, place in any::<prop::sample::Index>(), mask in select(vec![1_u8, 2, 4, 8, 0x10, 0x80, 0xFF]),
    ) {
        let topic = TopicName::new(topic.as_bytes()).expect("a Topic Name");
        let packet_identifier = delivery.packet_identifier().unwrap_or(umqtt::codec::PacketIdentifier::FIRST);
        let packet = match kind {
            0 => Packet::Suback(Suback { packet_identifier, granted: Some(delivery.qos()) }),
            1 => Packet::Ack(Ack { ack_type: AckType::Pubrel, packet_identifier }),
            2 => Packet::Connack(Connack { session_present: true, return_code: ConnectReturnCode::Accepted }),
            _ => Packet::Publish(Publish { dup: false, delivery, retain: false, topic, payload: &payload }),
        };
        let mut octets = as_other(&packet).encode().expect("a packet that can be sent").as_ref().to_vec();
        let place = place.index(octets.len());
        octets[place] ^= mask;
        if let Some(read) = read(&octets) {
            assert_eq!(v3::Packet::decode(&octets), Ok(Some(as_other(&read))));
        }
    }
}

#[test]
fn connack_and_pingresp_are_read_as_they_were_written() {
    for code in 0..=5 {
        let return_code = ConnectReturnCode::try_from(code).expect("a code");
        let packet = Packet::Connack(Connack { session_present: false, return_code });
        is_read_as(&as_other(&packet), &packet);
    }
    let packet = Packet::Connack(Connack { session_present: true, return_code: ConnectReturnCode::Accepted });
    is_read_as(&as_other(&packet), &packet);
    is_read_as(&v3::Packet::Pingresp, &Packet::Pingresp);
}
