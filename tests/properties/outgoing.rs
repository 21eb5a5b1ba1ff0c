//! What our encoder writes, the other codec reads as the same values; and writes alike.

use mqtt_proto as other;
use mqtt_proto::v3;
use proptest::option;
use proptest::prelude::*;
use umqtt::codec::{
    Ack, AckType, Connect, ControlPacket, DISCONNECT, PINGREQ, Publish, Subscribe, TopicFilter, TopicName, Unsubscribe,
    Will,
};

use super::support::encoding::{encoded, encoded_through};
use super::values::{
    any_string, config, delivery, field, octets, other_delivery, other_identifier, other_qos, other_topic,
    packet_identifier, qos, topic_filter, topic_name,
};

/// The other codec reads this packet out of these octets, and writes it so.
fn is_read_as(octets: &[u8], packet: &v3::Packet) {
    assert_eq!(v3::Packet::decode(octets).as_ref(), Ok(&Some(packet.clone())));
    assert_eq!(packet.encode().expect("a packet that can be sent").as_ref(), octets);
}

/// The same of a packet of ours, whatever the window that it is put together in.
fn goes_out_as(ours: &impl ControlPacket, packet: &v3::Packet) {
    let octets = encoded(ours);
    is_read_as(&octets, packet);
    if octets.len() < 1_000 {
        assert_eq!(encoded_through::<1>(ours), octets);
        assert_eq!(encoded_through::<7>(ours), octets);
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn connect_is_read_as_it_was_meant(
        client_identifier in any_string(),
        clean_session in any::<bool>(),
        keep_alive_s in any::<u16>(),
        will in option::of((topic_name(), field(), qos(), any::<bool>())),
        user in option::of((any_string(), option::of(field()))),
    ) {
        let ours = Connect {
            client_identifier: client_identifier.as_bytes(),
            clean_session,
            keep_alive_s,
            will: will.as_ref().map(|(topic, message, qos, retain)| Will {
                topic: TopicName::new(topic.as_bytes()).expect("a Topic Name"),
                message,
                qos: *qos,
                retain: *retain,
            }),
            user_name: user.as_ref().map(|(name, _)| name.as_bytes()),
            password: user.as_ref().and_then(|(_, password)| password.as_deref()),
        };
        let last_will = will.as_ref().map(|(topic, message, qos, retain)| v3::LastWill {
            qos: other_qos(*qos),
            retain: *retain,
            topic_name: other_topic(topic),
            message: message.clone().into(),
        });
        goes_out_as(&ours, &v3::Packet::Connect(v3::Connect {
            protocol: other::Protocol::V311,
            clean_session,
            keep_alive: keep_alive_s,
            client_id: client_identifier.as_str().into(),
            last_will,
            username: user.as_ref().map(|(name, _)| name.as_str().into()),
            password: user.as_ref().and_then(|(_, password)| password.clone()).map(Into::into),
        }));
    }

    #[test]
    fn publish_is_read_as_it_was_meant(
        topic in topic_name(), payload in octets(), delivery in delivery(), retain in any::<bool>(), dup in any::<bool>(),
    ) {
        let topic_name = TopicName::new(topic.as_bytes()).expect("a Topic Name");
        goes_out_as(
            &Publish { dup, delivery, retain, topic: topic_name, payload: &payload },
            &v3::Packet::Publish(v3::Publish {
                dup,
                retain,
                qos_pid: other_delivery(delivery),
                topic_name: other_topic(&topic),
                payload: payload.clone().into(),
            }),
        );
    }

    #[test]
    fn subscribe_and_unsubscribe_are_read_as_they_were_meant(
        filter in topic_filter(), packet_identifier in packet_identifier(), qos in qos(),
    ) {
        let ours = TopicFilter::new(filter.as_bytes()).expect("a Topic Filter");
        let others = other::TopicFilter::try_from(filter.as_str()).expect("a Topic Filter");
        let pid = other_identifier(packet_identifier);
        let topics = vec![(others.clone(), other_qos(qos))];
        goes_out_as(
            &Subscribe { packet_identifier, filter: ours, qos },
            &v3::Packet::Subscribe(v3::Subscribe { pid, topics }),
        );
        goes_out_as(
            &Unsubscribe { packet_identifier, filter: ours },
            &v3::Packet::Unsubscribe(v3::Unsubscribe { pid, topics: vec![others] }),
        );
    }

    #[test]
    fn acknowledgements_are_read_as_they_were_meant(packet_identifier in packet_identifier()) {
        let pid = other_identifier(packet_identifier);
        for (ack_type, packet) in [
            (AckType::Puback, v3::Packet::Puback(pid)),
            (AckType::Pubrec, v3::Packet::Pubrec(pid)),
            (AckType::Pubrel, v3::Packet::Pubrel(pid)),
            (AckType::Pubcomp, v3::Packet::Pubcomp(pid)),
        ] {
            is_read_as(&Ack { ack_type, packet_identifier }.encode(), &packet);
        }
    }

    /// What our codec takes for a Topic Filter, the other does too. (It takes more: `+a`, against [MQTT-4.7.1-3].)
    #[test]
    fn a_topic_filter_of_ours_is_one_to_the_other(filter in "[ab+#/]{1,8}") {
        let others = other::TopicFilter::try_from(filter.as_str());
        assert!(TopicFilter::new(filter.as_bytes()).is_err() || others.is_ok());
    }
}

#[test]
fn pingreq_and_disconnect_are_read_as_they_were_meant() {
    is_read_as(&PINGREQ, &v3::Packet::Pingreq);
    is_read_as(&DISCONNECT, &v3::Packet::Disconnect);
}
