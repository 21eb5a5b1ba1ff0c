//! Packets out: one write each, from the caller's memory where they are long, whole and in order at any pace.

use umqtt::client::{Awaited, Call, Error, Lent, Step};
use umqtt::codec::{EncodeError, QoS};
use umqtt::session::{Exchange, SessionError};
use umqtt::settings::IN_FLIGHT;

use super::support::caller::{Caller, TIMEOUT_MS, wait};
use super::support::packets::{
    CONNACK, PINGREQ, PINGRESP, field, numbered, packet, puback, pubcomp, publish, pubrec, pubrel, suback, unsuback,
};
use super::support::stream::{Fault, Output, Script};

#[test]
fn each_small_packet_is_one_write() {
    let mut caller = Caller::connected(true);
    let (_, step) = caller.publish(b"t/u", b"hello", QoS::AtMostOnce).expect("sent");
    assert_eq!(step, Step::Done);
    assert_eq!(caller.stream.writes(), [[0x30, 10, 0, 3, b't', b'/', b'u', b'h', b'e', b'l', b'l', b'o']]);

    let (slot, step) = caller.publish(b"t", b"1", QoS::AtLeastOnce).expect("sent");
    assert_eq!(step, wait(true, false, TIMEOUT_MS));
    assert_eq!(caller.stream.writes(), [[0x32, 6, 0, 1, b't', 0, 1, b'1']]);
    caller.stream.gives(&puback(1));
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(Step::Done));

    let (slot, _) = caller.publish(b"t", b"", QoS::ExactlyOnce).expect("sent");
    assert_eq!(caller.stream.writes(), [[0x34, 5, 0, 1, b't', 0, 2]]);
    caller.stream.gives(&pubrec(2));
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(wait(true, false, TIMEOUT_MS)));
    assert_eq!(caller.stream.writes(), [pubrel(2)]);
    caller.stream.gives(&pubcomp(2));
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(Step::Done));

    let (slot, _) = caller.subscribe(b"a/#", QoS::ExactlyOnce).expect("sent");
    assert_eq!(caller.stream.writes(), [[0x82, 8, 0, 3, 0, 3, b'a', b'/', b'#', 2]]);
    caller.stream.gives(&suback(3, 1));
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(Step::Done));

    let (slot, _) = caller.unsubscribe(b"+").expect("sent");
    assert_eq!(caller.stream.writes(), [[0xA2, 5, 0, 4, 0, 1, b'+']]);
    caller.stream.gives(&unsuback(4));
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(Step::Done));

    assert_eq!(caller.client.ping::<Fault>(caller.now), Ok(true));
    assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    assert_eq!(caller.stream.writes(), [PINGREQ]);
    assert_eq!(caller.client.slots_in_use(), 0);
}

#[test]
fn a_refused_subscription_is_an_error_that_the_connection_survives() {
    let mut caller = Caller::connected(true);
    let (slot, _) = caller.subscribe(b"forbidden", QoS::AtMostOnce).expect("sent");
    caller.stream.gives(&suback(1, 0x80));
    assert_eq!(caller.poll(Awaited::Slot(slot)), Err(Error::SubscriptionRefused));
    assert!(caller.client.is_open());
    assert_eq!(caller.client.slots_in_use(), 0);
}

#[test]
fn a_long_payload_is_written_from_the_callers_memory() {
    for gathers in [true, false] {
        let mut caller = Caller::connected(true);
        caller.stream.gathers = gathers;
        let payload = numbered(10_000);
        let (slot, _) = caller.publish(b"t", &payload, QoS::AtLeastOnce).expect("sent");
        let own = caller.kept[&slot].1.as_ptr_range();
        let written = std::mem::take(&mut caller.stream.written);
        let octets: Vec<u8> = written.iter().flat_map(|write| write.octets.clone()).collect();
        assert_eq!(octets, publish(0x32, b"t", 1, &payload));
        if gathers {
            let [write] = &written[..] else { panic!("{} writes", written.len()) };
            assert!(own.contains(&write.second.expect("two slices")));
        } else {
            let [head, tail] = &written[..] else { panic!("{} writes", written.len()) };
            assert!(head.octets.len() < 1_000, "only the head is put together");
            assert!(own.contains(&tail.from));
        }
    }
}

#[test]
fn what_is_left_of_a_payload_is_written_from_the_callers_memory() {
    let mut caller = Caller::connected(true);
    caller.stream.gathers = true;
    caller.stream.outputs.extend([Output::Take(600), Output::WouldBlock]);
    let (slot, _) = caller.publish(b"t", &numbered(10_000), QoS::AtLeastOnce).expect("begun");
    let own = caller.kept[&slot].1.as_ptr();
    assert!(matches!(caller.poll(Awaited::Slot(slot)), Ok(Step::Wait(_))));
    // 600 octets less the head: 3 of fixed header, 3 of topic, 2 of identifier.
    let [_, rest] = &caller.stream.written[..] else { panic!("two writes") };
    assert_eq!(rest.from, own.wrapping_add(592));
}

/// The packets of which each split is tried: the small ones, one at the edge of what is put together for a write, long
/// payload, long topic, both.
fn shapes() -> [(usize, usize); 7] {
    [(1, 0), (1, 1), (5, 100), (10, 497), (10, 498), (1, 700), (600, 600)]
}

#[test]
fn a_packet_leaves_whole_through_every_split_and_block() {
    for gathers in [true, false] {
        for (topic_len, payload_len) in shapes() {
            let topic = vec![b'a'; topic_len];
            let payload = numbered(payload_len);
            let expected = publish(0x32, &topic, 1, &payload);
            for split in 1..expected.len() {
                let mut caller = Caller::connected(true);
                caller.stream.gathers = gathers;
                caller.stream.outputs.extend([Output::WouldBlock, Output::Take(split), Output::WouldBlock]);
                let (slot, step) = caller.publish(&topic, &payload, QoS::AtLeastOnce).expect("begun");
                assert_eq!(step, wait(true, true, TIMEOUT_MS));
                for _ in 0..3 {
                    assert!(matches!(caller.poll(Awaited::Slot(slot)), Ok(Step::Wait(_))));
                }
                assert!(caller.stream.sent() == expected, "{topic_len} {payload_len} split at {split}");
            }
        }
    }
}

#[test]
fn a_packet_leaves_whole_in_single_octets() {
    for (topic_len, payload_len) in shapes() {
        let topic = vec![b'a'; topic_len];
        let payload = numbered(payload_len);
        let mut caller = Caller::connected(true);
        caller.stream.then = Some(Output::Take(1));
        caller.publish(&topic, &payload, QoS::AtLeastOnce).expect("sent");
        assert!(caller.stream.sent() == publish(0x32, &topic, 1, &payload));
    }
}

#[test]
fn a_long_subscribe_leaves_whole() {
    let filter = vec![b'a'; 2_000];
    let mut caller = Caller::connected(true);
    caller.stream.outputs.extend([Output::Take(100), Output::WouldBlock, Output::Take(1_000)]);
    let (slot, _) = caller.subscribe(&filter, QoS::AtLeastOnce).expect("begun");
    caller.poll(Awaited::Slot(slot)).expect("sent");
    assert!(caller.stream.sent() == packet(0x82, &[&[0, 1], &field(&filter), &[1]]));
    caller.stream.gives(&suback(1, 1));
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(Step::Done));
    let (_, _) = caller.unsubscribe(&filter).expect("sent");
    assert!(caller.stream.sent() == packet(0xA2, &[&[0, 2], &field(&filter)]));
}

#[test]
fn nothing_comes_between_the_parts_of_a_packet() {
    let mut caller = Caller::connected(true);
    caller.stream.outputs.push_back(Output::Take(4));
    caller.stream.then = Some(Output::WouldBlock);
    let (first, _) = caller.publish(b"first", b"1", QoS::AtLeastOnce).expect("begun");
    let (second, _) = caller.publish(b"second", b"2", QoS::AtLeastOnce).expect("queued");
    assert_eq!(caller.client.ping::<Fault>(caller.now), Ok(true));
    caller.stream.gives(&publish(0x32, b"in", 9, b""));
    assert!(matches!(caller.poll(Awaited::Slot(first)), Ok(Step::Wait(_))));
    assert_eq!(caller.messages().len(), 1, "reading goes on");

    // Whoever polls next, for whatever, sends it all in order.
    caller.stream.then = None;
    caller.poll(Awaited::Slot(second)).expect("sent");
    let expected =
        [publish(0x32, b"first", 1, b"1"), PINGREQ.to_vec(), puback(9), publish(0x32, b"second", 2, b"2")].concat();
    assert_eq!(caller.stream.sent(), expected);
}

#[test]
fn messages_leave_in_the_order_in_which_they_were_published() {
    let mut caller = Caller::connected(true);
    caller.stream.then = Some(Output::WouldBlock);
    let mut expected = Vec::new();
    for number in 0..IN_FLIGHT {
        let payload = [u8::try_from(number).expect("small")];
        let qos = [QoS::AtLeastOnce, QoS::AtMostOnce][number % 2];
        caller.publish(b"t", &payload, qos).expect("queued");
        let identifier = u16::try_from(number / 2 + 1).expect("small");
        expected.extend(if qos == QoS::AtMostOnce {
            publish(0x30, b"t", 0, &payload)
        } else {
            publish(0x32, b"t", identifier, &payload)
        });
    }
    assert_eq!(caller.publish(b"t", b"", QoS::AtMostOnce), Err(Error::Session(SessionError::OutgoingFull)));
    assert!(caller.client.is_open());
    caller.stream.then = None;
    caller.poll(Awaited::Outbox).expect("sent");
    // Which identifiers they got is not the point here.
    let sent = caller.stream.sent();
    assert_eq!(sent.len(), expected.len());
    let payloads = |octets: &[u8]| -> Vec<u8> {
        let mut rest = octets;
        let mut payloads = Vec::new();
        while let [_, len, ..] = rest {
            let (packet, after) = rest.split_at(usize::from(*len) + 2);
            payloads.extend(packet.last());
            rest = after;
        }
        payloads
    };
    assert_eq!(payloads(&sent), payloads(&expected));
}

#[test]
fn a_buffer_that_changes_its_length_while_it_is_sent_ends_the_connection() {
    for payload in [&b""[..], b"longer than it was"] {
        let mut caller = Caller::connected(true);
        caller.stream.outputs.extend([Output::Take(3), Output::WouldBlock]);
        let (slot, _) = caller.publish(b"t", b"payload", QoS::AtLeastOnce).expect("begun");
        caller.kept.insert(slot, (b"t".to_vec(), payload.to_vec()));
        assert_eq!(caller.poll(Awaited::Slot(slot)), Err(Error::Changed));
        assert!(!caller.client.is_open());
        assert_eq!(caller.stream.sent().len(), 3);
    }
}

#[test]
fn a_topic_that_changes_its_length_ends_the_connection() {
    let mut caller = Caller::connected(true);
    caller.stream.outputs.extend([Output::Take(3), Output::WouldBlock]);
    let (slot, _) = caller.publish(b"t", b"payload", QoS::AtMostOnce).expect("begun");
    caller.kept.insert(slot, (b"tt".to_vec(), b"payload".to_vec()));
    assert_eq!(caller.poll(Awaited::Slot(slot)), Err(Error::Changed));
}

#[test]
fn a_buffer_that_changes_its_octets_while_it_is_sent_changes_the_message_only() {
    let mut caller = Caller::connected(true);
    caller.stream.forgives = true;
    caller.stream.outputs.extend([Output::Take(6), Output::WouldBlock]);
    let (slot, _) = caller.publish(b"t", b"payload", QoS::AtMostOnce).expect("begun");
    caller.kept.insert(slot, (b"t".to_vec(), b"PAYLOAD".to_vec()));
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(Step::Done));
    assert_eq!(caller.stream.sent(), publish(0x30, b"t", 0, b"pAYLOAD"));
}

#[test]
fn a_payload_that_no_packet_can_hold_is_refused_before_anything_is_sent() {
    let zeros = vec![0; 268_435_453];
    let mut caller = Caller::connected(true);
    for (qos, most) in [(QoS::AtMostOnce, 268_435_452), (QoS::AtLeastOnce, 268_435_450)] {
        let slot = caller.client.begin::<Fault>(Exchange::Publish { qos, retain: false }, caller.now).expect("a slot");
        let packet = Some((slot, &b"t"[..], &zeros[..=most]));
        let mut lent = Lent { packet, ..Lent::default() };
        let call = Call { may_read: false, ..Call::new(Awaited::Slot(slot)) };
        let refused = caller.client.poll(&mut caller.stream, &call, &mut lent, caller.now);
        assert_eq!(refused, Err(Error::Encode(EncodeError::PacketTooLong)));
        assert_eq!(caller.client.slots_in_use(), 0);
    }
    assert_eq!((caller.stream.written.len(), caller.client.is_open()), (0, true));
}

#[test]
fn a_packet_that_gets_stuck_is_given_up_in_time() {
    let mut caller = Caller::connected(true);
    caller.stream.then = Some(Output::WouldBlock);
    caller.stream.outputs.push_back(Output::Take(10));
    let (slot, _) = caller.publish(b"t", &[0; 5_000], QoS::AtLeastOnce).expect("a slot");
    caller.pass_ms(TIMEOUT_MS - 1);
    // As long as the stream takes some of it, the link moves.
    caller.stream.outputs.push_back(Output::Take(10));
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(wait(true, true, TIMEOUT_MS)));
    caller.pass_ms(TIMEOUT_MS);
    caller.stream.gives(&PINGRESP);
    assert_eq!(caller.poll(Awaited::Slot(slot)), Err(Error::Timeout));
    assert!(caller.client.is_open());
}

#[test]
fn a_packet_that_has_room_when_the_caller_comes_back_late_leaves_and_its_answer_has_all_its_time() {
    let mut caller = Caller::connected(true);
    caller.stream.then = Some(Output::WouldBlock);
    let (slot, _) = caller.publish(b"t", b"p", QoS::AtLeastOnce).expect("a slot");
    caller.stream.then = None;
    caller.pass_ms(TIMEOUT_MS + 1_000);
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(wait(true, false, TIMEOUT_MS)));
    assert_eq!(caller.stream.sent(), publish(0x32, b"t", 1, b"p"));
}

#[test]
fn an_answer_that_does_not_come_is_a_timeout_and_a_late_one_is_passed_over() {
    let mut caller = Caller::connected(true);
    let (slot, _) = caller.publish(b"t", b"p", QoS::AtLeastOnce).expect("sent");
    caller.pass_ms(TIMEOUT_MS - 1);
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(wait(true, false, 1)));
    caller.pass_ms(1);
    assert_eq!(caller.poll(Awaited::Slot(slot)), Err(Error::Timeout));
    assert!(caller.client.is_open());
    caller.client.abandon(slot);
    caller.client.discard(slot);
    assert_eq!(caller.client.slots_in_use(), 0, "nobody sends it again");
    caller.stream.gives(&puback(1));
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
}

#[test]
fn an_answer_that_does_not_come_leaves_the_message_in_a_session_that_is_kept_until_it_is_discarded() {
    for comes in [true, false] {
        let mut caller = Caller::connected(false);
        let (slot, _) = caller.publish(b"t", b"p", QoS::AtLeastOnce).expect("sent");
        caller.pass_ms(TIMEOUT_MS);
        assert_eq!(caller.poll(Awaited::Slot(slot)), Err(Error::Timeout));
        caller.client.abandon(slot);
        assert_eq!(caller.client.slots_in_use(), 1 << slot, "it may still have come through");
        if comes {
            caller.stream.gives(&puback(1));
            assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        } else {
            caller.client.discard(slot);
        }
        assert_eq!(caller.client.slots_in_use(), 0);
    }
}

#[test]
fn messages_that_nobody_acknowledges_do_not_stop_the_next_ones_in_a_clean_session() {
    let mut caller = Caller::connected(true);
    for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
        for _ in 0..IN_FLIGHT * 3 {
            let (slot, _) = caller.publish(b"t", b"p", qos).expect("there is a place");
            caller.client.abandon(slot);
            caller.pass_ms(TIMEOUT_MS / 4);
            caller.stream.gives(&PINGRESP);
            assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        }
    }
}

#[test]
fn a_message_discarded_while_it_leaves_leaves_whole_and_its_place_is_free_then() {
    let mut caller = Caller::connected(false);
    caller.stream.outputs.extend([Output::Take(4), Output::WouldBlock]);
    let (slot, _) = caller.publish(b"first", b"1", QoS::AtLeastOnce).expect("begun");
    caller.client.discard(slot);
    caller.client.abandon(slot);
    caller.client.discard(slot);
    caller.client.discard(slot);
    assert_eq!(caller.client.slots_in_use(), 1 << slot);
    caller.poll(Awaited::Message).expect("sent");
    assert_eq!(caller.stream.sent(), publish(0x32, b"first", 1, b"1"));
    assert_eq!(caller.client.slots_in_use(), 0);
    let (slot, _) = caller.publish(b"second", b"2", QoS::ExactlyOnce).expect("sent");
    assert_eq!(caller.stream.sent(), publish(0x34, b"second", 2, b"2"));
    caller.client.discard(slot);
    assert_eq!(caller.client.slots_in_use(), 1 << slot, "it is awaited");
    caller.client.abandon(slot);
    caller.client.discard(slot);
    caller.breaks();
    caller.reconnect(false, &CONNACK);
    caller.poll(Awaited::Message).expect("a connection");
    assert_eq!(caller.stream.sent(), [], "nothing is sent again");
}

#[test]
fn a_packet_that_can_not_be_sent_any_more_is_its_own_callers_error() {
    let mut caller = Caller::connected(true);
    caller.stream.then = Some(Output::WouldBlock);
    let (first, _) = caller.publish(b"first", b"1", QoS::AtLeastOnce).expect("begun");
    let (second, _) = caller.publish(b"second", b"2", QoS::AtLeastOnce).expect("queued");
    caller.stream.then = None;
    // A topic that has grown since.
    caller.kept.insert(second, (vec![b't'; 70_000], Vec::new()));
    assert!(matches!(caller.poll(Awaited::Slot(first)), Ok(Step::Wait(_))));
    assert_eq!(caller.poll(Awaited::Slot(second)), Err(Error::Encode(EncodeError::FieldTooLong)));
    assert!(caller.client.is_open());
    assert_eq!(caller.client.slots_in_use(), 1 << first);
}

#[test]
fn an_abandoned_packet_that_is_half_out_leaves_whole() {
    let mut caller = Caller::connected(true);
    caller.stream.outputs.extend([Output::Take(4), Output::WouldBlock]);
    let (first, _) = caller.publish(b"first", b"1", QoS::AtMostOnce).expect("begun");
    caller.stream.outputs.push_back(Output::WouldBlock);
    let (second, _) = caller.publish(b"second", b"2", QoS::AtMostOnce).expect("queued");
    caller.client.abandon(first);
    caller.client.abandon(second);
    assert_eq!(caller.client.slots_in_use(), 1 << first);
    caller.poll(Awaited::Message).expect("sent");
    assert_eq!(caller.stream.sent(), publish(0x30, b"first", 0, b"1"));
    assert_eq!(caller.client.slots_in_use(), 0);
}

#[test]
fn a_packet_that_was_offered_and_blocked_has_begun_to_leave() {
    let mut caller = Caller::connected(true);
    caller.stream.outputs.push_back(Output::WouldBlock);
    let (slot, _) = caller.publish(b"t", b"p", QoS::AtMostOnce).expect("begun");
    caller.client.abandon(slot);
    // A TLS stream has it in its record already: the Script insists on the same octets.
    caller.poll(Awaited::Message).expect("sent");
    assert_eq!(caller.stream.sent(), publish(0x30, b"t", 0, b"p"));
}

#[test]
fn a_step_lends_only_what_it_is_lent() {
    let mut caller = Caller::new(Script::default());
    caller.reconnect(true, &CONNACK);
    caller.stream.then = Some(Output::WouldBlock);
    let (slot, _) = caller.publish(b"t", b"p", QoS::AtMostOnce).expect("queued");
    caller.stream.then = None;
    let mut lent = Lent::default();
    for _ in 0..2 {
        let step = caller.client.poll(&mut caller.stream, &Call::new(Awaited::Message), &mut lent, caller.now);
        assert_eq!(step, Ok(Step::Lend(slot)));
    }
    let mut lent = Lent { packet: Some((slot + 1, b"other", b"")), ..Default::default() };
    let step = caller.client.poll(&mut caller.stream, &Call::new(Awaited::Message), &mut lent, caller.now);
    assert_eq!(step, Ok(Step::Lend(slot)), "another slot's octets are not sent");
    assert_eq!(caller.stream.sent(), []);
}
