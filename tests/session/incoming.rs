//! Messages that come in at each QoS: what is delivered, what is answered, and when.

use umqtt::codec::{Delivery, PacketIdentifier};
use umqtt::session::{Action, SessionError};
use umqtt::settings::INCOMING;

use super::support::packets::{publish, pubrel};
use super::{Clocked, reply};

fn identifier(number: usize) -> PacketIdentifier {
    PacketIdentifier::new(u16::try_from(number).expect("16 bits")).expect("not 0")
}

#[test]
fn qos_0_is_delivered_and_not_answered() {
    let mut clocked = Clocked::connected(true);
    for _ in 0..3 {
        assert_eq!(clocked.arrives(&publish(0x30, b"t", 0, b"p")), Ok(Action::Deliver));
        assert_eq!(clocked.session.taken(Delivery::AtMostOnce), None);
        assert_eq!(clocked.session.delivered(Delivery::AtMostOnce), None);
    }
}

// [MQTT-4.3.2-2]
#[test]
fn qos_1_is_delivered_each_time_and_acknowledged_after_the_caller_is_through() {
    let mut clocked = Clocked::connected(true);
    for first in [0x32, 0x3A] {
        assert_eq!(clocked.arrives(&publish(first, b"t", 0x0102, b"p")), Ok(Action::Deliver));
        let delivery = Delivery::AtLeastOnce(identifier(0x0102));
        assert_eq!(clocked.session.taken(delivery), None);
        assert_eq!(clocked.session.delivered(delivery).map(umqtt::codec::Ack::encode), Some([0x40, 2, 1, 2]));
    }
}

// [MQTT-4.3.3-2]
#[test]
fn qos_2_is_delivered_once_however_often_it_comes() {
    let mut clocked = Clocked::connected(true);
    let delivery = Delivery::ExactlyOnce(identifier(5));
    for _ in 0..2 {
        assert_eq!(clocked.arrives(&publish(0x34, b"t", 5, b"p")), Ok(Action::Deliver));
        assert_eq!(clocked.session.taken(delivery).map(umqtt::codec::Ack::encode), Some([0x50, 2, 0, 5]));
        assert_eq!(clocked.session.delivered(delivery), None);
        // With DUP and without: the identifier tells.
        for first in [0x3C, 0x34, 0x3C] {
            assert_eq!(reply(clocked.arrives(&publish(first, b"t", 5, b"p"))), [0x50, 2, 0, 5]);
        }
        assert_eq!(clocked.arrives(&publish(0x34, b"t", 6, b"p")), Ok(Action::Deliver), "not taken yet");
        for _ in 0..2 {
            assert_eq!(reply(clocked.arrives(&pubrel(5))), [0x70, 2, 0, 5], "PUBREL always gets PUBCOMP");
        }
    }
}

// [MQTT-4.3.3-2]
#[test]
fn a_message_that_the_caller_did_not_take_is_delivered_again() {
    let mut clocked = Clocked::connected(true);
    for _ in 0..2 {
        assert_eq!(clocked.arrives(&publish(0x34, b"t", 5, b"p")), Ok(Action::Deliver));
    }
}

// [MQTT-4.3.3-2]
#[test]
fn pubrel_for_an_unknown_identifier_is_answered() {
    let mut clocked = Clocked::connected(true);
    assert_eq!(reply(clocked.arrives(&pubrel(0xFFFF))), [0x70, 2, 0xFF, 0xFF]);
}

/// The first identifier of a group: the table holds `INCOMING` groups of 32 neighbours.
fn first_of(group: usize) -> u16 {
    identifier(group * 32).get()
}

#[test]
fn more_unreleased_messages_than_the_table_holds_are_an_error() {
    let mut clocked = Clocked::connected(true);
    for group in 1..=INCOMING {
        for number in [first_of(group), first_of(group) + 31] {
            assert_eq!(clocked.arrives(&publish(0x34, b"t", number, b"")), Ok(Action::Deliver));
            clocked.session.taken(Delivery::ExactlyOnce(identifier(usize::from(number))));
        }
    }
    let one_more = publish(0x34, b"t", first_of(INCOMING + 1), b"");
    assert_eq!(clocked.arrives(&one_more), Err(SessionError::IncomingFull));
    // Known ones, their neighbours, other QoS and releases go on.
    let [high, low] = first_of(1).to_be_bytes();
    assert_eq!(reply(clocked.arrives(&publish(0x3C, b"t", first_of(1), b""))), [0x50, 2, high, low]);
    assert_eq!(clocked.arrives(&publish(0x34, b"t", first_of(1) + 1, b"")), Ok(Action::Deliver));
    assert_eq!(clocked.arrives(&publish(0x32, b"t", 1, b"")), Ok(Action::Deliver));
    assert_eq!(reply(clocked.arrives(&pubrel(first_of(1)))), [0x70, 2, high, low]);
    assert_eq!(clocked.arrives(&one_more), Err(SessionError::IncomingFull), "the group still holds one");
    reply(clocked.arrives(&pubrel(first_of(1) + 31)));
    assert_eq!(clocked.arrives(&one_more), Ok(Action::Deliver));
}

// [MQTT-4.3.3-2]
#[test]
fn any_identifiers_come_and_go_without_mixing() {
    let mut random = super::support::random::Random::new(5);
    let mut clocked = Clocked::connected(true);
    let mut unreleased = std::collections::HashSet::new();
    for _ in 0..20_000 {
        // Neighbours, in no more groups than there are.
        let number = u16::try_from(1 + random.below(INCOMING * 32 - 1)).expect("16 bits");
        let [high, low] = number.to_be_bytes();
        if random.one_in(2) {
            let action = clocked.arrives(&publish(0x34, b"t", number, b""));
            if unreleased.insert(number) {
                assert_eq!(action, Ok(Action::Deliver));
                clocked.session.taken(Delivery::ExactlyOnce(identifier(usize::from(number))));
            } else {
                assert_eq!(reply(action), [0x50, 2, high, low]);
            }
        } else {
            unreleased.remove(&number);
            assert_eq!(reply(clocked.arrives(&pubrel(number))), [0x70, 2, high, low]);
        }
    }
    assert!(!unreleased.is_empty());
}

#[test]
fn identifiers_of_the_two_directions_do_not_meet() {
    let mut clocked = Clocked::connected(true);
    let (slot, number) = clocked.published(umqtt::codec::QoS::ExactlyOnce);
    let delivery = Delivery::ExactlyOnce(identifier(usize::from(number)));
    assert_eq!(clocked.arrives(&publish(0x34, b"t", number, b"")), Ok(Action::Deliver));
    clocked.session.taken(delivery);
    assert_eq!(reply(clocked.arrives(&pubrel(number)))[0], 0x70);
    assert_eq!(clocked.outcome(slot), None);
    assert_eq!(clocked.identifier(slot), number);
}
