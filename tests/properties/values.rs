//! Arbitrary values of MQTT, as both codecs have them.

use mqtt_proto as other;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use umqtt::codec::{Delivery, PacketIdentifier, QoS};

/// How many values are tried, and from which seed.
pub fn config(cases: u32) -> Config {
    let default = Config::default();
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(311),
        given @ RngSeed::Fixed(_) => given,
    };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { cases };
    Config { cases, rng_seed, failure_persistence: None, ..default }
}

/// A string without the null character, at least this long and rarely up to 65,535 octets.
fn string(least: usize) -> impl Strategy<Value = String> {
    let character = any::<char>().prop_map(|character| if character == '\0' { 'n' } else { character });
    prop_oneof![
        12 => vec(character, least..40).prop_map(|characters| characters.into_iter().collect()),
        1 => (16_000_usize..=65_535).prop_map(|len| "l".repeat(len)),
    ]
}

pub fn any_string() -> impl Strategy<Value = String> {
    string(0)
}

pub fn topic_name() -> impl Strategy<Value = String> {
    string(1).prop_map(|topic| topic.replace(['+', '#'], "/"))
}

/// No shared subscription, which begins with $ and is of version 5.
pub fn topic_filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![Just("+".to_owned()), string(0).prop_map(|level| level.replace(['+', '#', '$'], "w"))];
    (vec(level, 1..6), any::<bool>()).prop_filter_map("empty, or too long", |(mut levels, all_below)| {
        levels.extend(all_below.then(|| "#".to_owned()));
        Some(levels.join("/")).filter(|filter| !filter.is_empty() && filter.len() <= 65_535)
    })
}

/// A payload; rarely one that needs three octets of Remaining Length.
pub fn octets() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![12 => vec(any::<u8>(), 0..300), 1 => vec(any::<u8>(), 16_000..20_000)]
}

/// The same, but a field of at most 65,535 octets.
pub fn field() -> impl Strategy<Value = Vec<u8>> {
    octets()
}

pub fn packet_identifier() -> impl Strategy<Value = PacketIdentifier> {
    (1..=u16::MAX).prop_map(|number| PacketIdentifier::new(number).expect("not 0"))
}

pub fn qos() -> impl Strategy<Value = QoS> {
    prop_oneof![Just(QoS::AtMostOnce), Just(QoS::AtLeastOnce), Just(QoS::ExactlyOnce)]
}

pub fn delivery() -> impl Strategy<Value = Delivery> {
    prop_oneof![
        Just(Delivery::AtMostOnce),
        packet_identifier().prop_map(Delivery::AtLeastOnce),
        packet_identifier().prop_map(Delivery::ExactlyOnce),
    ]
}

/// The other codec's value of ours.
pub fn other_identifier(identifier: PacketIdentifier) -> other::Pid {
    other::Pid::try_from(identifier.get()).expect("not 0")
}

pub fn other_qos(qos: QoS) -> other::QoS {
    match qos {
        QoS::AtMostOnce => other::QoS::Level0,
        QoS::AtLeastOnce => other::QoS::Level1,
        QoS::ExactlyOnce => other::QoS::Level2,
    }
}

pub fn other_delivery(delivery: Delivery) -> other::QosPid {
    match delivery {
        Delivery::AtMostOnce => other::QosPid::Level0,
        Delivery::AtLeastOnce(identifier) => other::QosPid::Level1(other_identifier(identifier)),
        Delivery::ExactlyOnce(identifier) => other::QosPid::Level2(other_identifier(identifier)),
    }
}

pub fn other_topic(topic: &str) -> other::TopicName {
    other::TopicName::try_from(topic).expect("a Topic Name")
}
