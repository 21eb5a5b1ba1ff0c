//! Packet Identifiers: never 0, never one in use, once around and on.

use umqtt::codec::QoS;
use umqtt::session::{Action, Exchange, Outcome};

use super::support::packets::{CONNACK, puback, pubcomp, pubrec, suback};
use super::{Clocked, publish};

// [MQTT-2.3.1-1] [MQTT-2.3.1-2]
#[test]
fn identifiers_go_up_to_65535_and_then_on_from_1_past_those_in_use() {
    let mut clocked = Clocked::connected(true);
    // Three stay in use: 1, 2 (released) and 4.
    clocked.published(QoS::AtLeastOnce);
    clocked.published(QoS::ExactlyOnce);
    let (third, identifier) = clocked.published(QoS::AtLeastOnce);
    assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
    assert_eq!(clocked.outcome(third), Some(Outcome::Done));
    let subscription = clocked.begin(Exchange::Subscribe(QoS::AtMostOnce));
    clocked.session.sent(subscription, clocked.now);
    assert_eq!(clocked.identifier(subscription), 4);
    clocked.arrives(&pubrec(2)).expect("PUBREL");

    for expected in (5..=65_535).chain([3, 5, 6]) {
        let (slot, identifier) = clocked.published(QoS::AtLeastOnce);
        assert_eq!(identifier, expected);
        assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
        assert_eq!(clocked.outcome(slot), Some(Outcome::Done));
    }

    // They still answer to their own.
    assert_eq!(clocked.arrives(&suback(4, 0)), Ok(Action::None));
    assert_eq!(clocked.outcome(subscription), Some(Outcome::Done));
    assert_eq!(clocked.arrives(&pubcomp(2)), Ok(Action::None));
    assert_eq!(clocked.outcome(1), Some(Outcome::Done));
}

// [MQTT-2.3.1-5]
#[test]
fn qos_0_uses_no_identifier_up() {
    let mut clocked = Clocked::connected(true);
    for expected in 1..100 {
        for _ in 0..3 {
            let (slot, _) = clocked.published(QoS::AtMostOnce);
            assert_eq!(clocked.outcome(slot), Some(Outcome::Done));
        }
        let (slot, identifier) = clocked.published(QoS::AtLeastOnce);
        assert_eq!(identifier, expected);
        assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
        assert_eq!(clocked.outcome(slot), Some(Outcome::Done));
    }
}

// [MQTT-2.3.1-5]
#[test]
fn an_answer_never_finds_a_message_at_qos_0() {
    let mut clocked = Clocked::connected(true);
    let slot = clocked.begin(publish(QoS::AtMostOnce));
    for octets in [puback(1), pubrec(1), pubcomp(1), suback(1, 0)] {
        assert_eq!(clocked.arrives(&octets), Ok(Action::None));
    }
    assert_eq!(clocked.outcome(slot), None);
    assert_eq!(clocked.session.outgoing().next_queued(), Some(slot));
}

// [MQTT-2.3.1-2]
#[test]
fn a_message_kept_from_the_last_connection_keeps_its_identifier_to_itself() {
    let mut clocked = Clocked::connected(false);
    clocked.published(QoS::AtLeastOnce);
    clocked.session.closed();
    clocked.reconnect(false, &CONNACK);
    for _ in 0..65_534 {
        let slot = clocked.begin(publish(QoS::AtLeastOnce));
        assert_ne!(clocked.identifier(slot), 1);
        clocked.session.outgoing_mut().abandon(slot, false);
    }
    let slot = clocked.begin(publish(QoS::AtLeastOnce));
    assert_eq!(clocked.identifier(slot), 2);
}
