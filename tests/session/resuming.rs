//! What survives a connection: messages not acknowledged, in their order, with DUP; PUBREL; nothing else.

use umqtt::codec::QoS;
use umqtt::session::{Action, Exchange, Outcome};

use umqtt::settings::IN_FLIGHT;

use super::support::packets::{CONNACK, CONNACK_PRESENT, puback, pubcomp, publish as message, pubrec, pubrel};
use super::support::random::Random;
use super::{Clocked, TIMEOUT_MS, publish, reply};

// [MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.6.0-1] [MQTT-2.3.1-3]
#[test]
fn unacknowledged_messages_go_again_in_order_with_dup_and_their_identifiers() {
    let mut clocked = Clocked::connected(false);
    for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
        clocked.published(qos);
    }
    // The first is acknowledged and its slot goes to the youngest: the order is not that of the slots.
    assert_eq!(clocked.arrives(&puback(1)), Ok(Action::None));
    assert_eq!(clocked.outcome(0), Some(Outcome::Done));
    let (slot, identifier) = clocked.published(QoS::AtLeastOnce);
    assert_eq!((slot, identifier), (0, 5));
    for connack in [CONNACK_PRESENT, CONNACK] {
        clocked.session.closed();
        assert_eq!(clocked.session.outgoing().in_use(), 0b1111);
        clocked.reconnect(false, &connack);
        assert_eq!(clocked.send_queued(), [(2, true), (3, true), (4, true), (5, true)]);
    }
    // Nobody awaits them any more: they free themselves.
    for octets in [puback(5), puback(3)] {
        assert_eq!(clocked.arrives(&octets), Ok(Action::None));
    }
    for identifier in [2, 4] {
        reply(clocked.arrives(&pubrec(identifier)));
        assert_eq!(clocked.arrives(&pubcomp(identifier)), Ok(Action::None));
    }
    assert_eq!(clocked.session.outgoing().in_use(), 0);
}

// [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-2.3.1-2]
#[test]
fn whatever_was_acknowledged_the_rest_goes_again_in_order() {
    let mut random = Random::new(6);
    let mut clocked = Clocked::connected(false);
    // Identifiers are soon to wrap: their order is not that of the messages.
    for _ in 0..65_500 {
        let slot = clocked.begin(publish(QoS::AtLeastOnce));
        clocked.session.outgoing_mut().abandon(slot, false);
    }
    let mut in_flight: Vec<(u16, bool)> = Vec::new();
    let mut resumed = 0;
    for _ in 0..5_000 {
        match random.below(5) {
            0 | 1 if in_flight.len() < IN_FLIGHT - 1 => {
                let (slot, identifier) = clocked.published(QoS::AtLeastOnce);
                assert!(!in_flight.contains(&(identifier, true)));
                clocked.session.outgoing_mut().abandon(slot, false);
                in_flight.push((identifier, true));
            }
            2 | 3 if !in_flight.is_empty() => {
                let (identifier, _) = in_flight.remove(random.below(in_flight.len()));
                assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
            }
            4 => {
                clocked.session.closed();
                clocked.reconnect(false, &CONNACK_PRESENT);
                assert_eq!(clocked.send_queued(), in_flight);
                resumed += usize::from(in_flight.len() > 2);
            }
            _ => {}
        }
        assert_eq!(clocked.session.outgoing().in_use().count_ones() as usize, in_flight.len());
    }
    assert!(resumed > 100, "{resumed}");
}

// [MQTT-4.4.0-1] [MQTT-4.6.0-1]
#[test]
fn a_new_message_comes_after_those_that_go_again() {
    let mut clocked = Clocked::connected(false);
    clocked.published(QoS::AtLeastOnce);
    clocked.published(QoS::AtLeastOnce);
    clocked.session.closed();
    clocked.reconnect(false, &CONNACK_PRESENT);
    clocked.begin(publish(QoS::AtMostOnce));
    clocked.begin(publish(QoS::AtLeastOnce));
    let sent: Vec<bool> = clocked.send_queued().iter().map(|&(_, dup)| dup).collect();
    assert_eq!(sent, [true, true, false, false]);
}

// [MQTT-4.4.0-1] [MQTT-4.3.3-1]
#[test]
fn an_exchange_at_qos_2_goes_on_with_pubrel_and_never_with_publish() {
    let mut clocked = Clocked::connected(false);
    for _ in 0..3 {
        clocked.published(QoS::ExactlyOnce);
    }
    for identifier in [1, 2, 3] {
        reply(clocked.arrives(&pubrec(identifier)));
    }
    assert_eq!(clocked.arrives(&pubcomp(2)), Ok(Action::None));
    assert_eq!(clocked.outcome(1), Some(Outcome::Done));
    let (_, identifier) = clocked.published(QoS::ExactlyOnce);
    assert_eq!(identifier, 4);
    for _ in 0..2 {
        clocked.session.closed();
        clocked.reconnect(false, &CONNACK_PRESENT);
        assert_eq!(clocked.released(), [1, 3], "PUBREL in the order of PUBLISH");
        assert_eq!(clocked.send_queued(), [(4, true)]);
    }
    for identifier in [3, 1] {
        assert_eq!(clocked.arrives(&pubcomp(identifier)), Ok(Action::None));
    }
    assert_eq!(clocked.released(), []);
    assert_eq!(clocked.session.outgoing().in_use().count_ones(), 1);
}

// [MQTT-4.4.0-1]
#[test]
fn a_message_that_is_to_go_again_cannot_be_called_back() {
    let mut clocked = Clocked::connected(false);
    let (slot, _) = clocked.published(QoS::AtLeastOnce);
    clocked.session.closed();
    clocked.session.outgoing_mut().abandon(slot, false);
    clocked.reconnect(false, &CONNACK);
    clocked.session.outgoing_mut().abandon(slot, false);
    assert_eq!(clocked.send_queued(), [(1, true)]);
}

// [MQTT-3.3.1-1]
#[test]
fn a_message_that_had_not_begun_to_leave_goes_without_dup() {
    let mut clocked = Clocked::connected(false);
    let begun = clocked.begin(publish(QoS::AtLeastOnce));
    clocked.begin(publish(QoS::AtLeastOnce));
    clocked.session.progressed(begun, clocked.now);
    clocked.session.closed();
    clocked.reconnect(false, &CONNACK);
    assert_eq!(clocked.send_queued(), [(1, true), (2, false)]);
}

// [MQTT-3.1.2-6]
#[test]
fn a_clean_session_forgets_what_was_in_flight() {
    for (before, after) in [(true, true), (true, false), (false, true)] {
        let mut clocked = Clocked::connected(before);
        clocked.published(QoS::AtLeastOnce);
        clocked.published(QoS::ExactlyOnce);
        clocked.published(QoS::ExactlyOnce);
        reply(clocked.arrives(&pubrec(3)));
        clocked.session.closed();
        clocked.reconnect(after, &CONNACK);
        assert_eq!(clocked.session.outgoing().in_use(), 0, "{before} {after}");
        assert_eq!(clocked.send_queued(), []);
        assert_eq!(clocked.released(), []);
        // And an answer to it is one that nobody waits for.
        assert_eq!(clocked.arrives(&pubrec(2)), Ok(Action::None));
        assert_eq!(clocked.arrives(&pubcomp(3)), Ok(Action::None));
    }
}

#[test]
fn other_exchanges_end_with_the_connection() {
    let mut clocked = Clocked::connected(false);
    for exchange in [Exchange::Subscribe(QoS::AtLeastOnce), Exchange::Unsubscribe, publish(QoS::AtMostOnce)] {
        clocked.begin(exchange);
        let slot = clocked.begin(exchange);
        clocked.session.sent(slot, clocked.now);
        clocked.session.closed();
        assert_eq!(clocked.session.outgoing().in_use(), 0, "{exchange:?}");
        clocked.reconnect(false, &CONNACK);
        assert_eq!(clocked.send_queued(), []);
    }
}

#[test]
fn answers_to_what_goes_again_are_due_from_the_new_connection_on() {
    let mut clocked = Clocked::connected(false);
    let (slot, _) = clocked.published(QoS::AtLeastOnce);
    clocked.session.closed();
    clocked.pass_ms(1_000_000);
    clocked.reconnect(false, &CONNACK);
    let due = clocked.session.outgoing().answer_due(slot).expect("in use");
    assert_eq!(due.ms_from(clocked.now), TIMEOUT_MS);
}

// [MQTT-4.3.3-2]
#[test]
fn a_message_received_at_qos_2_is_still_known_if_the_server_has_the_session() {
    let mut clocked = Clocked::connected(false);
    let octets = message(0x34, b"t", 7, b"");
    assert_eq!(clocked.arrives(&octets), Ok(Action::Deliver));
    clocked.session.taken(umqtt::codec::Delivery::ExactlyOnce(umqtt::codec::PacketIdentifier::new(7).expect("not 0")));
    clocked.session.closed();
    clocked.reconnect(false, &CONNACK_PRESENT);
    assert_eq!(reply(clocked.arrives(&octets)), [0x50, 2, 0, 7], "delivered before");
    // A Server that lost the session begins anew.
    clocked.session.closed();
    clocked.reconnect(false, &CONNACK);
    assert_eq!(clocked.arrives(&octets), Ok(Action::Deliver));
    assert_eq!(reply(clocked.arrives(&pubrel(7))), [0x70, 2, 0, 7]);
}

#[test]
fn outcomes_that_came_before_the_break_do_not_outlive_it() {
    let mut clocked = Clocked::connected(false);
    let (_, identifier) = clocked.published(QoS::AtLeastOnce);
    assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
    clocked.session.closed();
    assert_eq!(clocked.session.outgoing().in_use(), 0, "it was acknowledged: there is nothing to send again");
}
