//! Messages longer than the receive buffer, into room that the caller lends.

use umqtt::client::{Awaited, Call, Error, Lent, Step};
use umqtt::codec::{DecodeError, Delivery, Field};
use umqtt::session::SessionError;
use umqtt::settings::RX_BUFFER;

use super::support::caller::{Appetite, Caller, Received};
use super::support::packets::{PINGRESP, numbered, puback, pubcomp, publish, pubrec, pubrel};
use super::support::random::{Random, pieces};
use super::support::stream::Input;
use super::{identifier, received};

/// Fields short and long on either side of the buffer's length.
fn lengths() -> Vec<(usize, usize)> {
    let about = [RX_BUFFER - 10, RX_BUFFER - 1, RX_BUFFER, RX_BUFFER + 1, 3 * RX_BUFFER, 20_000];
    let mut lengths: Vec<(usize, usize)> = about.iter().map(|&len| (3, len)).collect();
    lengths.extend(about.iter().map(|&len| (len, 0)));
    lengths.extend(about.iter().map(|&len| (len, len)));
    lengths.push((65_535, 70_000));
    lengths
}

fn message(first: u8, topic_len: usize, payload_len: usize) -> (Vec<u8>, Received) {
    let topic = vec![b'a'; topic_len];
    let payload = numbered(payload_len);
    let octets = publish(first, &topic, 300, &payload);
    let delivery = match first {
        0x30 => Delivery::AtMostOnce,
        0x32 => Delivery::AtLeastOnce(identifier(300)),
        _ => Delivery::ExactlyOnce(identifier(300)),
    };
    (octets, Received { topic, payload, delivery })
}

#[test]
fn a_message_of_any_length_comes_whole_in_any_pieces_with_any_room() {
    let mut random = Random::new(4);
    for (topic_len, payload_len) in lengths() {
        for (first, longest, room) in
            [(0x30, usize::MAX, 1_000), (0x32, 700, 333), (0x34, 5_000, 10_000), (0x34, 50, usize::MAX / 2)]
        {
            let (octets, expected) = message(first, topic_len, payload_len);
            let mut caller = Caller::connected(true);
            caller.appetite = Appetite::Takes(room);
            let after = publish(0x30, b"after", 0, b"it");
            let stream = [&octets[..], &after].concat();
            for piece in pieces(&stream, longest.min(stream.len()), &mut random) {
                caller.stream.gives(piece);
                if random.one_in(3) {
                    caller.stream.inputs.push_back(Input::WouldBlock);
                }
            }
            while !caller.stream.inputs.is_empty() {
                assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
            }
            assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
            assert!(caller.messages() == [expected, received(b"after", b"it")], "{first:#x} {topic_len} {payload_len}");
            let answer = match first {
                0x30 => Vec::new(),
                0x32 => puback(300),
                _ => pubrec(300),
            };
            assert_eq!(caller.stream.sent(), answer);
        }
    }
}

#[test]
fn a_long_message_in_single_octets_with_room_for_one_is_the_same_message() {
    let (octets, expected) = message(0x32, 700, 700);
    let mut caller = Caller::connected(true);
    caller.appetite = Appetite::Takes(1);
    for octet in octets {
        caller.stream.inputs.extend([Input::Octets(vec![octet]), Input::WouldBlock]);
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    }
    assert!(caller.messages() == [expected]);
    assert_eq!(caller.rooms_asked, 1_402, "the Packet Identifier lies behind the topic");
}

#[test]
fn what_fits_the_buffer_asks_for_no_room() {
    for (remaining, asks) in [(RX_BUFFER - 3, false), (RX_BUFFER - 2, true)] {
        let mut caller = Caller::connected(true);
        let octets = publish(0x30, b"t", 0, &numbered(remaining - 3));
        caller.stream.gives(&octets);
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        assert_eq!(caller.messages().len(), 1);
        assert_eq!(caller.rooms_asked > 0, asks, "{} octets", octets.len());
    }
}

#[test]
fn room_is_asked_for_what_has_come_and_not_for_what_was_announced() {
    let mut caller = Caller::connected(true);
    // Topic "t" and a payload of 268,435,452 octets, of which 5 come.
    caller.stream.gives(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F, 0, 1, b't', 1, 2, 3, 4, 5]);
    let mut poll = |topic: &mut [u8], payload: &mut [u8]| {
        let mut lent = Lent { connect: None, packet: None, topic, payload };
        let step = caller.client.poll(&mut caller.stream, &Call::new(Awaited::Message), &mut lent, caller.now);
        let long = caller.client.long();
        (step, long.field(), long.here(), long.total())
    };
    let (mut topic, mut payload) = ([0; 1], [0; 8]);
    assert_eq!(poll(&mut [], &mut []), (Ok(Step::Room), Field::Topic, 0, 1));
    assert_eq!(poll(&mut topic, &mut []), (Ok(Step::Room), Field::Payload, 0, 268_435_452));
    assert_eq!(poll(&mut topic, &mut payload[..3]), (Ok(Step::Room), Field::Payload, 3, 268_435_452));
    assert!(matches!(poll(&mut topic, &mut payload), (Ok(Step::Wait(_)), ..)));
    assert_eq!((topic, payload), ([b't'], [1, 2, 3, 4, 5, 0, 0, 0]));
}

#[test]
fn room_for_both_fields_may_be_lent_from_the_start() {
    let (octets, expected) = message(0x32, 10, 2_000);
    for split in 1..40 {
        let mut caller = Caller::connected(true);
        // At QoS 1 the Packet Identifier comes behind the topic.
        let (mut topic, mut payload) = ([0; 12], [0; 2_000]);
        caller.stream.gives(&octets[..split]);
        caller.stream.inputs.push_back(Input::WouldBlock);
        caller.stream.gives(&octets[split..=split]);
        caller.stream.inputs.push_back(Input::WouldBlock);
        caller.stream.gives(&octets[split + 1..]);
        let mut poll = || {
            let mut lent = Lent { connect: None, packet: None, topic: &mut topic, payload: &mut payload };
            caller.client.poll(&mut caller.stream, &Call::new(Awaited::Message), &mut lent, caller.now)
        };
        assert!(matches!(poll(), Ok(Step::Wait(_))));
        assert!(matches!(poll(), Ok(Step::Wait(_))));
        assert_eq!(poll(), Ok(Step::Message), "{split}");
        assert_eq!(caller.client.message().delivery, expected.delivery);
        assert!((&topic[..10], &payload[..]) == (&expected.topic[..], &expected.payload[..]), "split at {split}");
    }
}

#[test]
fn what_is_missing_is_read_straight_into_the_room() {
    let mut caller = Caller::connected(true);
    let (octets, expected) = message(0x30, 1, 100_000);
    caller.appetite = Appetite::Takes(50_000);
    caller.stream.reads = 0;
    caller.stream.gives(&octets);
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert!(caller.messages() == [expected]);
    assert!(caller.stream.reads <= 5, "{} reads", caller.stream.reads);
}

#[test]
fn a_message_that_is_not_wanted_is_acknowledged_and_dropped() {
    for (first, answer) in [(0x30, Vec::new()), (0x32, puback(300)), (0x34, pubrec(300))] {
        let mut caller = Caller::connected(true);
        caller.appetite = Appetite::Drops;
        let (octets, _) = message(first, 2_000, 5_000);
        caller.stream.gives(&[octets, publish(0x30, b"after", 0, b"it")].concat());
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        let messages = caller.messages();
        assert_eq!(messages.len(), 2);
        assert_eq!((&messages[0].topic[..], &messages[1]), (&b"(dropped)"[..], &received(b"after", b"it")));
        assert_eq!(caller.stream.sent(), answer);
        assert_eq!(caller.rooms_asked, 1);
    }
}

#[test]
fn a_message_without_memory_for_it_is_read_and_not_acknowledged() {
    for first in [0x30, 0x32, 0x34] {
        let mut caller = Caller::connected(true);
        caller.appetite = Appetite::Refuses;
        let (octets, _) = message(first, 5, 5_000);
        caller.stream.gives(&[&octets[..], &publish(0x30, b"after", 0, b"it")].concat());
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        assert_eq!(caller.messages(), [received(b"after", b"it")]);
        assert_eq!(caller.stream.sent(), []);
        // It was not taken: if it comes again, and there is memory, it is delivered.
        caller.appetite = Appetite::Takes(10_000);
        caller.stream.gives(&octets);
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        assert_eq!(caller.messages().len(), 1);
    }
}

#[test]
fn memory_may_run_out_in_the_middle_of_a_payload() {
    let mut caller = Caller::connected(true);
    let (octets, _) = message(0x32, 5, 5_000);
    caller.appetite = Appetite::Takes(2_000);
    caller.stream.gives(&octets[..4_000]);
    caller.stream.inputs.push_back(Input::WouldBlock);
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    caller.appetite = Appetite::Refuses;
    caller.stream.gives(&[&octets[4_000..], &PINGRESP].concat());
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert_eq!((caller.messages(), caller.stream.sent()), (vec![], vec![]));
}

// [MQTT-4.3.3-2]
#[test]
fn a_long_message_repeated_at_qos_2_is_answered_and_not_told() {
    let mut caller = Caller::connected(true);
    let (octets, expected) = message(0x34, 1_000, 5_000);
    for _ in 0..3 {
        caller.stream.gives(&octets);
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        assert_eq!(caller.stream.sent(), pubrec(300));
    }
    assert!(caller.messages() == [expected]);
    caller.stream.gives(&[&pubrel(300)[..], &octets].concat());
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert_eq!(caller.stream.sent(), [pubcomp(300), pubrec(300)].concat());
    assert_eq!(caller.messages().len(), 1);
}

#[test]
fn a_long_topic_that_is_none_ends_the_connection_as_soon_as_it_is_there() {
    for wrong in [b'#', b'+', 0, 0xFF] {
        let mut topic = vec![b'a'; 2_000];
        topic[1_999] = wrong;
        let octets = publish(0x30, &topic, 0, &[0; 5_000]);
        let mut caller = Caller::connected(true);
        caller.stream.gives(&octets[..3_000]);
        let error = Error::Session(SessionError::Malformed(DecodeError::Topic));
        assert_eq!(caller.poll(Awaited::Message), Err(error), "{wrong:#x}");
        assert!(!caller.client.is_open());
    }
}

#[test]
fn a_long_message_with_identifier_0_ends_the_connection() {
    let mut caller = Caller::connected(true);
    caller.stream.gives(&publish(0x32, b"t", 0, &[0; 5_000]));
    let error = Error::Session(SessionError::Malformed(DecodeError::PacketIdentifier));
    assert_eq!(caller.poll(Awaited::Message), Err(error));
}

#[test]
fn the_end_of_the_stream_in_a_long_message_is_no_message() {
    let (octets, _) = message(0x32, 1_000, 5_000);
    for len in [10, 500, 1_004, 1_006, 3_000, octets.len() - 1] {
        let mut caller = Caller::connected(true);
        caller.stream.gives(&octets[..len]);
        caller.breaks();
        assert_eq!(caller.messages(), []);
        // The next connection begins with a packet, not with the rest of this one.
        caller.reconnect(true, &super::support::packets::CONNACK);
        caller.stream.gives(&publish(0x30, b"t", 0, b"new"));
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        assert_eq!(caller.messages(), [received(b"t", b"new")]);
    }
}

#[test]
fn a_verb_in_the_middle_of_a_long_message_leaves_it_as_it_is() {
    let (octets, expected) = message(0x30, 1_000, 5_000);
    let mut caller = Caller::connected(true);
    for piece in octets.chunks(501) {
        caller.stream.gives(piece);
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        let (_, step) = caller.publish(b"t", b"p", umqtt::codec::QoS::AtMostOnce).expect("sent");
        assert_eq!(step, Step::Done);
        assert_eq!(caller.stream.sent(), publish(0x30, b"t", 0, b"p"));
    }
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert!(caller.messages() == [expected]);
}

#[test]
fn a_decision_about_no_message_changes_nothing() {
    let mut caller = Caller::connected(true);
    caller.client.decline(true);
    caller.client.decline(false);
    let (octets, expected) = message(0x30, 5, 5_000);
    caller.stream.gives(&octets);
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert!(caller.messages() == [expected]);
}
