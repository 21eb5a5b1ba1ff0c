//! What the caller sends: publish at each QoS, subscribe, unsubscribe, in one connection.

use umqtt::codec::QoS;
use umqtt::session::{Action, Exchange, Outcome, SessionError};
use umqtt::settings::IN_FLIGHT;

use super::support::packets::{puback, pubcomp, pubrec, suback, unsuback};
use super::{Clocked, TIMEOUT_MS, publish, reply};

#[test]
fn qos_0_is_over_when_it_has_left() {
    let mut clocked = Clocked::connected(true);
    let slot = clocked.begin(publish(QoS::AtMostOnce));
    assert_eq!(clocked.outcome(slot), None);
    clocked.session.sent(slot, clocked.now);
    assert_eq!(clocked.outcome(slot), Some(Outcome::Done));
    assert_eq!(clocked.session.outgoing().in_use(), 0);
}

// [MQTT-4.3.2-1] [MQTT-2.3.1-6]
#[test]
fn qos_1_is_over_with_its_puback_only() {
    let mut clocked = Clocked::connected(true);
    let (slot, identifier) = clocked.published(QoS::AtLeastOnce);
    for octets in
        [puback(identifier + 1), pubrec(identifier), pubcomp(identifier), suback(identifier, 0), unsuback(identifier)]
    {
        assert_eq!(clocked.arrives(&octets), Ok(Action::None), "{octets:x?}");
        assert_eq!(clocked.outcome(slot), None, "{octets:x?}");
    }
    assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
    assert_eq!(clocked.outcome(slot), Some(Outcome::Done));
    assert_eq!(clocked.session.outgoing().in_use(), 0);
    // A second one is late.
    assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
}

// [MQTT-4.3.3-1] [MQTT-2.3.1-6]
#[test]
fn qos_2_answers_pubrec_with_pubrel_and_is_over_with_pubcomp() {
    let mut clocked = Clocked::connected(true);
    let (slot, identifier) = clocked.published(QoS::ExactlyOnce);
    let [high, low] = identifier.to_be_bytes();
    for octets in [puback(identifier), pubcomp(identifier), pubrec(identifier + 1), suback(identifier, 0)] {
        assert_eq!(clocked.arrives(&octets), Ok(Action::None), "{octets:x?}");
    }
    let pubrel = [0x62, 2, high, low];
    assert_eq!(reply(clocked.arrives(&pubrec(identifier))), pubrel);
    assert_eq!(clocked.outcome(slot), None);
    assert_eq!(reply(clocked.arrives(&pubrec(identifier))), pubrel, "a repeated PUBREC");
    assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
    assert_eq!(clocked.outcome(slot), None);
    assert_eq!(clocked.arrives(&pubcomp(identifier)), Ok(Action::None));
    assert_eq!(clocked.outcome(slot), Some(Outcome::Done));
    assert_eq!(clocked.arrives(&pubrec(identifier)), Ok(Action::None), "nobody knows it any more");
}

#[test]
fn an_acknowledgement_before_its_packet_has_left_is_passed_over() {
    let mut clocked = Clocked::connected(true);
    let slot = clocked.begin(publish(QoS::AtLeastOnce));
    let identifier = clocked.identifier(slot);
    assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
    assert_eq!(clocked.outcome(slot), None);
    assert_eq!(clocked.send_queued(), [(identifier, false)]);
    assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
    assert_eq!(clocked.outcome(slot), Some(Outcome::Done));
}

// [MQTT-3.8.4-2]
#[test]
fn subscribe_is_over_with_its_suback() {
    for (code, outcome) in [(0, Outcome::Done), (1, Outcome::Done), (2, Outcome::Done), (0x80, Outcome::Refused)] {
        let mut clocked = Clocked::connected(true);
        let slot = clocked.begin(Exchange::Subscribe(QoS::ExactlyOnce));
        clocked.session.sent(slot, clocked.now);
        let identifier = clocked.identifier(slot);
        for octets in [suback(identifier + 1, 0), unsuback(identifier), puback(identifier), pubrec(identifier)] {
            assert_eq!(clocked.arrives(&octets), Ok(Action::None));
            assert_eq!(clocked.outcome(slot), None, "{octets:x?}");
        }
        assert_eq!(clocked.arrives(&suback(identifier, code)), Ok(Action::None));
        assert_eq!(clocked.outcome(slot), Some(outcome));
        assert_eq!(clocked.session.outgoing().in_use(), 0);
    }
}

// [MQTT-3.10.4-4]
#[test]
fn unsubscribe_is_over_with_its_unsuback() {
    let mut clocked = Clocked::connected(true);
    let slot = clocked.begin(Exchange::Unsubscribe);
    clocked.session.sent(slot, clocked.now);
    let identifier = clocked.identifier(slot);
    for octets in [unsuback(identifier + 1), suback(identifier, 0), puback(identifier)] {
        assert_eq!(clocked.arrives(&octets), Ok(Action::None));
        assert_eq!(clocked.outcome(slot), None, "{octets:x?}");
    }
    assert_eq!(clocked.arrives(&unsuback(identifier)), Ok(Action::None));
    assert_eq!(clocked.outcome(slot), Some(Outcome::Done));
}

#[test]
fn answers_in_any_order_find_their_exchanges() {
    let mut clocked = Clocked::connected(true);
    let (first, first_identifier) = clocked.published(QoS::AtLeastOnce);
    let (second, second_identifier) = clocked.published(QoS::ExactlyOnce);
    let (third, third_identifier) = clocked.published(QoS::AtLeastOnce);
    assert_eq!(clocked.arrives(&puback(third_identifier)), Ok(Action::None));
    assert_eq!(clocked.outcome(third), Some(Outcome::Done));
    reply(clocked.arrives(&pubrec(second_identifier)));
    assert_eq!(clocked.arrives(&puback(first_identifier)), Ok(Action::None));
    assert_eq!((clocked.outcome(first), clocked.outcome(second)), (Some(Outcome::Done), None));
    assert_eq!(clocked.arrives(&pubcomp(second_identifier)), Ok(Action::None));
    assert_eq!(clocked.outcome(second), Some(Outcome::Done));
}

#[test]
fn a_full_table_says_so_and_has_room_after_any_end() {
    let mut clocked = Clocked::connected(true);
    let slots: Vec<(u8, u16)> = (1..IN_FLIGHT).map(|_| clocked.published(QoS::AtLeastOnce)).collect();
    // Messages that may wait for long leave one slot to the others.
    for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
        assert!(!clocked.session.outgoing().has_room_for(publish(qos)));
        assert_eq!(clocked.session.begin(publish(qos), clocked.now), Err(SessionError::OutgoingFull));
    }
    assert!(clocked.session.outgoing().has_room_for(Exchange::Subscribe(QoS::AtMostOnce)));
    let last = clocked.begin(publish(QoS::AtMostOnce));
    assert_eq!(clocked.session.outgoing().in_use().count_ones() as usize, IN_FLIGHT);
    for exchange in [publish(QoS::AtMostOnce), Exchange::Subscribe(QoS::AtMostOnce), Exchange::Unsubscribe] {
        assert!(!clocked.session.outgoing().has_room_for(exchange));
        assert_eq!(clocked.session.begin(exchange, clocked.now), Err(SessionError::OutgoingFull));
    }
    clocked.session.outgoing_mut().abandon(last, false);
    let (slot, identifier) = slots[3];
    assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
    assert!(!clocked.session.outgoing().has_room_for(publish(QoS::AtLeastOnce)), "the outcome is not taken yet");
    assert_eq!(clocked.outcome(slot), Some(Outcome::Done));
    assert!(clocked.session.outgoing().has_room_for(publish(QoS::AtLeastOnce)));
    assert_eq!(clocked.begin(publish(QoS::AtMostOnce)), slot);
}

#[test]
fn a_subscription_that_nobody_awaits_leaves_its_place_at_once() {
    let mut clocked = Clocked::connected(true);
    for exchange in [Exchange::Subscribe(QoS::AtLeastOnce), Exchange::Unsubscribe] {
        let slot = clocked.begin(exchange);
        clocked.session.sent(slot, clocked.now);
        clocked.session.outgoing_mut().abandon(slot, false);
        assert_eq!(clocked.session.outgoing().in_use(), 0);
        // Given up while its packet was on its way out.
        let slot = clocked.begin(exchange);
        clocked.session.outgoing_mut().abandon(slot, true);
        assert_eq!(clocked.session.outgoing().in_use(), 1 << slot);
        clocked.session.sent(slot, clocked.now);
        assert_eq!(clocked.session.outgoing().in_use(), 0);
    }
    assert_eq!(clocked.arrives(&suback(1, 0)), Ok(Action::None));
    assert_eq!(clocked.arrives(&unsuback(3)), Ok(Action::None));
}

#[test]
fn a_slot_that_nobody_awaits_frees_itself_with_the_late_answer() {
    let mut clocked = Clocked::connected(true);
    let (slot, identifier) = clocked.published(QoS::ExactlyOnce);
    clocked.session.outgoing_mut().abandon(slot, false);
    assert_eq!(clocked.session.outgoing().in_use(), 1 << slot, "in flight it stays");
    reply(clocked.arrives(&pubrec(identifier)));
    assert_eq!(clocked.arrives(&pubcomp(identifier)), Ok(Action::None));
    assert_eq!(clocked.session.outgoing().in_use(), 0);

    let slot = clocked.begin(Exchange::Subscribe(QoS::AtMostOnce));
    clocked.session.sent(slot, clocked.now);
    let identifier = clocked.identifier(slot);
    clocked.session.outgoing_mut().abandon(slot, false);
    assert_eq!(clocked.arrives(&suback(identifier, 0x80)), Ok(Action::None));
    assert_eq!(clocked.session.outgoing().in_use(), 0);
}

#[test]
fn a_packet_abandoned_before_it_began_to_leave_never_does() {
    let mut clocked = Clocked::connected(true);
    let first = clocked.begin(publish(QoS::AtLeastOnce));
    let second = clocked.begin(publish(QoS::AtLeastOnce));
    let third = clocked.begin(publish(QoS::AtLeastOnce));
    clocked.session.outgoing_mut().abandon(second, false);
    assert_eq!(clocked.session.outgoing().in_use(), 1 << first | 1 << third);
    // This one is half out: the rest has to follow.
    clocked.session.outgoing_mut().abandon(first, true);
    let sent = clocked.send_queued();
    assert_eq!(sent, [(1, false), (3, false)]);
}

#[test]
fn an_outcome_that_nobody_awaits_any_more_is_forgotten() {
    let mut clocked = Clocked::connected(true);
    let (slot, identifier) = clocked.published(QoS::AtLeastOnce);
    assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
    clocked.session.outgoing_mut().abandon(slot, false);
    assert_eq!(clocked.session.outgoing().in_use(), 0);
    // Twice, or for a slot that never was, does nothing.
    clocked.session.outgoing_mut().abandon(slot, false);
    clocked.session.outgoing_mut().abandon(200, false);
}

#[test]
fn packets_leave_in_the_order_in_which_they_were_begun_whatever_slot_they_got() {
    let mut clocked = Clocked::connected(true);
    for _ in 0..3 {
        clocked.published(QoS::AtLeastOnce);
    }
    for identifier in [1, 3] {
        assert_eq!(clocked.arrives(&puback(identifier)), Ok(Action::None));
    }
    assert_eq!(clocked.outcome(2), Some(Outcome::Done));
    clocked.begin(publish(QoS::AtLeastOnce));
    assert_eq!(clocked.outcome(0), Some(Outcome::Done));
    clocked.begin(publish(QoS::ExactlyOnce));
    clocked.begin(publish(QoS::AtLeastOnce));
    assert_eq!(clocked.send_queued(), [(4, false), (5, false), (6, false)]);
}

#[test]
fn an_answer_is_due_from_when_the_packet_left_and_again_from_pubrec() {
    let mut clocked = Clocked::connected(true);
    let due_ms =
        |clocked: &Clocked, slot| clocked.session.outgoing().answer_due(slot).map(|due| due.ms_from(clocked.now));
    let slot = clocked.begin(publish(QoS::ExactlyOnce));
    assert_eq!(due_ms(&clocked, slot), Some(TIMEOUT_MS));
    clocked.pass_ms(5_000);
    assert_eq!(due_ms(&clocked, slot), Some(TIMEOUT_MS - 5_000));
    clocked.session.progressed(slot, clocked.now);
    assert_eq!(due_ms(&clocked, slot), Some(TIMEOUT_MS), "the link moves");
    clocked.pass_ms(5_000);
    clocked.session.sent(slot, clocked.now);
    assert_eq!(due_ms(&clocked, slot), Some(TIMEOUT_MS));
    clocked.pass_ms(7_000);
    assert_eq!(due_ms(&clocked, slot), Some(TIMEOUT_MS - 7_000));
    let identifier = clocked.identifier(slot);
    reply(clocked.arrives(&pubrec(identifier)));
    assert_eq!(due_ms(&clocked, slot), Some(TIMEOUT_MS));
    clocked.pass_ms(TIMEOUT_MS + 1);
    assert_eq!(due_ms(&clocked, slot), Some(0));
    assert_eq!(due_ms(&clocked, 200), None);
}
