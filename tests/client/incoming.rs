//! Messages and acknowledgements in: from single octets and from many packets in one read.

use umqtt::client::{Awaited, Call, Error, Step};
use umqtt::codec::{DecodeError, Delivery, QoS};
use umqtt::session::SessionError;

use super::support::caller::{Caller, Received};
use super::support::packets::{puback, pubcomp, publish, pubrec, pubrel};
use super::support::stream::Input;
use super::{identifier, received};

/// A message at each QoS, and what they are.
fn three() -> (Vec<u8>, Vec<Received>) {
    let octets = [
        publish(0x30, b"zero", 0, b"0"),
        publish(0x33, b"one", 0x0101, b"1"),
        publish(0x34, b"two", 0x0202, b""),
        pubrel(0x0202),
    ];
    let one = Received { delivery: Delivery::AtLeastOnce(identifier(0x0101)), ..received(b"one", b"1") };
    let two = Received { delivery: Delivery::ExactlyOnce(identifier(0x0202)), ..received(b"two", b"") };
    (octets.concat(), vec![received(b"zero", b"0"), one, two])
}

#[test]
fn one_read_may_hold_many_packets() {
    let mut caller = Caller::connected(true);
    let (octets, messages) = three();
    caller.stream.drains = true;
    caller.stream.reads = 0;
    caller.stream.gives(&octets);
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert_eq!(caller.messages(), messages);
    assert_eq!(caller.stream.sent(), [puback(0x0101), pubrec(0x0202), pubcomp(0x0202)].concat());
}

#[test]
fn messages_in_single_octets_are_the_same_messages() {
    let mut caller = Caller::connected(true);
    let (octets, messages) = three();
    caller.stream.gives_singly(&octets);
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert_eq!(caller.messages(), messages);
}

#[test]
fn messages_with_would_block_before_each_octet_are_the_same_messages() {
    let mut caller = Caller::connected(true);
    let (octets, messages) = three();
    for octet in octets {
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        caller.stream.gives(&[octet]);
    }
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert_eq!(caller.messages(), messages);
    assert_eq!(caller.stream.sent(), [puback(0x0101), pubrec(0x0202), pubcomp(0x0202)].concat());
}

#[test]
fn each_call_tells_of_one_message() {
    let mut caller = Caller::connected(true);
    caller.stream.gives(&three().0);
    let mut steps = Vec::new();
    loop {
        let mut lent = umqtt::client::Lent::default();
        match caller.client.poll(&mut caller.stream, &Call::new(Awaited::Message), &mut lent, caller.now) {
            Ok(Step::Message) => steps.push(caller.client.message().delivery.qos()),
            other => {
                assert!(matches!(other, Ok(Step::Wait(_))), "{other:?}");
                break;
            }
        }
    }
    assert_eq!(steps, [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce]);
}

// [MQTT-4.3.3-2]
#[test]
fn a_message_repeated_at_qos_2_is_answered_and_not_told() {
    let mut caller = Caller::connected(true);
    caller.stream.gives(&[publish(0x34, b"t", 7, b""), publish(0x3C, b"t", 7, b"")].concat());
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert_eq!(caller.messages().len(), 1);
    assert_eq!(caller.stream.sent(), [pubrec(7), pubrec(7)].concat());
    caller.stream.gives(&[pubrel(7), pubrel(7), publish(0x34, b"t", 7, b"")].concat());
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert_eq!(caller.messages().len(), 1);
    assert_eq!(caller.stream.sent(), [pubcomp(7), pubcomp(7), pubrec(7)].concat());
}

#[test]
fn puback_waits_until_the_caller_is_through() {
    let mut caller = Caller::connected(true);
    caller.acknowledges = false;
    caller.stream.gives(&publish(0x32, b"t", 7, b""));
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert_eq!(caller.stream.sent(), []);
    assert!(caller.acknowledge(Delivery::AtLeastOnce(identifier(7))));
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert_eq!(caller.stream.sent(), puback(7));
}

#[test]
fn a_caller_through_with_a_message_after_the_end_acknowledges_nothing() {
    let mut caller = Caller::connected(true);
    caller.acknowledges = false;
    caller.stream.gives(&publish(0x32, b"t", 7, b""));
    caller.breaks();
    assert!(caller.acknowledge(Delivery::AtLeastOnce(identifier(7))));
    let packet = super::support::caller::connect(true);
    caller.client.open::<super::support::stream::Fault>(&packet, 1_000, caller.now).expect("a packet");
    assert!(caller.acknowledge(Delivery::AtLeastOnce(identifier(7))));
    caller.stream.gives(&super::support::packets::CONNACK);
    let step = caller.client.connect(&mut caller.stream, &packet, true, caller.now);
    assert_eq!(step, Ok(Step::Done));
    caller.poll(Awaited::Message).expect("a connection");
    assert_eq!(caller.stream.writes(), [super::support::caller::connect_octets(true)]);
}

#[test]
fn messages_come_while_an_answer_is_awaited() {
    let mut caller = Caller::connected(true);
    let (slot, _) = caller.publish(b"out", b"", QoS::AtLeastOnce).expect("sent");
    caller.stream.gives(&[publish(0x30, b"in", 0, b"1"), puback(1), publish(0x30, b"in", 0, b"2")].concat());
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(Step::Done));
    assert_eq!(caller.messages(), [received(b"in", b"1")]);
    assert!(matches!(caller.poll_once(Awaited::Message, false), Ok(Step::Wait(_))), "the rest is in the buffer");
    assert_eq!(caller.messages(), [received(b"in", b"2")]);
}

#[test]
fn a_short_read_saves_the_next_only_where_it_drains_the_stream() {
    for (drains, reads) in [(true, 1), (false, 2)] {
        let mut caller = Caller::connected(true);
        caller.stream.drains = drains;
        caller.stream.reads = 0;
        caller.stream.gives(&pubrel(1));
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        assert_eq!(caller.stream.reads, reads);
    }
}

#[test]
fn a_read_that_fills_the_buffer_is_not_the_last() {
    let mut caller = Caller::connected(true);
    caller.stream.drains = true;
    // Late acknowledgements, so that nothing is told in between.
    caller.stream.gives(&puback(9).repeat(2_000));
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert!(caller.stream.inputs.is_empty());
}

// [MQTT-4.8.0-1]
#[test]
fn a_malformed_packet_ends_the_connection_after_the_messages_before_it() {
    for (octets, error) in [
        (&[0x36, 5][..], DecodeError::BothQosBits),
        (&[0x30, 0x80, 0x80, 0x80, 0x80, 1], DecodeError::RemainingLength),
        (&[0x41, 2, 0, 1], DecodeError::ReservedFlags),
        (&[0x10, 2, 0, 1], DecodeError::UnexpectedType),
        (&[0x40, 3], DecodeError::Length),
        (&[0x40, 2, 0, 0], DecodeError::PacketIdentifier),
        (&[0x30, 4, 0, 1, b'#', 0], DecodeError::Topic),
        (&[0x90, 3, 0, 1, 3], DecodeError::SubackReturnCode),
    ] {
        let mut caller = Caller::connected(true);
        caller.stream.gives(&[&publish(0x30, b"t", 0, b"before"), octets, &[0; 20]].concat());
        assert_eq!(caller.poll(Awaited::Message), Err(Error::Session(SessionError::Malformed(error))));
        assert_eq!(caller.messages(), [received(b"t", b"before")]);
        assert_eq!(caller.poll(Awaited::Message), Err(Error::NotConnected));
    }
}

#[test]
fn the_end_of_the_stream_comes_after_the_messages_before_it() {
    for (input, error) in
        [(Input::End, Error::EndOfStream), (Input::Broken, Error::Transport(super::support::stream::Fault::Broken))]
    {
        let mut caller = Caller::connected(true);
        caller.stream.gives(&[publish(0x30, b"t", 0, b"last"), vec![0x30, 9]].concat());
        caller.stream.inputs.push_back(input);
        assert_eq!(caller.poll(Awaited::Message), Err(error));
        assert_eq!(caller.messages(), [received(b"t", b"last")]);
        assert!(!caller.client.is_open());
        let reads = caller.stream.reads;
        assert_eq!(caller.poll(Awaited::Message), Err(Error::NotConnected));
        assert_eq!(caller.stream.reads, reads, "a stream that has ended is not read again");
    }
}

#[test]
fn an_answer_that_came_with_the_end_of_the_stream_still_counts() {
    let mut caller = Caller::connected(true);
    let (slot, _) = caller.publish(b"t", b"", QoS::AtLeastOnce).expect("sent");
    caller.stream.gives(&puback(1));
    caller.stream.inputs.push_back(Input::End);
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(Step::Done));
    assert_eq!(caller.poll(Awaited::Message), Err(Error::EndOfStream));
}

#[test]
fn a_flood_does_not_hold_a_step_for_ever() {
    let mut caller = Caller::connected(true);
    // Late acknowledgements: nothing to tell of, as many as the caller's clock has time for.
    caller.stream.inputs.extend((0..10_000).map(|_| Input::Octets(puback(9))));
    caller.stream.reads = 0;
    let step = caller.poll(Awaited::Message).expect("a connection");
    let Step::Wait(wait) = step else { panic!("{step:?}") };
    assert!(caller.stream.reads < 1_000, "{} reads in one step", caller.stream.reads);
    assert_eq!(wait.ms, 0, "there is more: not even poll of the port may know of it, under TLS");
    let mut steps = 1;
    while !caller.stream.inputs.is_empty() {
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        steps += 1;
    }
    assert!(steps < 10_000);
    assert!(caller.client.is_open());
}
