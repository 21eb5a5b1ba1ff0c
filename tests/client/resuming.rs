//! A session over several connections: what was in flight goes again, in octets.

use umqtt::client::{Awaited, Step};
use umqtt::codec::QoS;
use umqtt::settings::IN_FLIGHT;

use super::support::caller::Caller;
use super::support::packets::{CONNACK, CONNACK_PRESENT, puback, pubcomp, publish, pubrec, pubrel};
use super::support::stream::Output;

// [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-1]
#[test]
fn messages_in_flight_go_again_with_dup_in_order_after_pubrel() {
    let mut caller = Caller::connected(false);
    caller.publish(b"one", b"1", QoS::AtLeastOnce).expect("sent");
    caller.publish(b"two", b"2", QoS::ExactlyOnce).expect("sent");
    caller.publish(b"three", b"3", QoS::ExactlyOnce).expect("sent");
    caller.stream.gives(&pubrec(2));
    caller.poll(Awaited::Message).expect("a connection");
    caller.breaks();
    assert_eq!(caller.client.slots_in_use(), 0b111);

    caller.reconnect(false, &CONNACK_PRESENT);
    assert_eq!(caller.stream.sent(), pubrel(2), "with the end of connect");
    caller.poll(Awaited::Message).expect("a connection");
    assert_eq!(caller.stream.writes(), [publish(0x3A, b"one", 1, b"1"), publish(0x3C, b"three", 3, b"3")]);

    // The answers end them, and nobody has to wait for it.
    caller.stream.gives(&[puback(1), pubcomp(2), pubrec(3)].concat());
    caller.poll(Awaited::Message).expect("a connection");
    assert_eq!(caller.stream.sent(), pubrel(3));
    caller.stream.gives(&pubcomp(3));
    caller.poll(Awaited::Message).expect("a connection");
    assert_eq!(caller.client.slots_in_use(), 0);
}

// [MQTT-3.3.1-1]
#[test]
fn a_message_that_was_half_out_goes_again_whole_with_dup() {
    let whole = publish(0x32, b"t", 1, b"payload");
    for len in 1..whole.len() {
        let mut caller = Caller::connected(false);
        caller.stream.outputs.push_back(Output::Take(len));
        caller.stream.then = Some(Output::WouldBlock);
        caller.publish(b"t", b"payload", QoS::AtLeastOnce).expect("begun");
        caller.breaks();
        caller.reconnect(false, &CONNACK);
        caller.poll(Awaited::Message).expect("a connection");
        assert_eq!(caller.stream.sent(), publish(0x3A, b"t", 1, b"payload"));
    }
}

// [MQTT-4.4.0-1]
#[test]
fn a_message_in_flight_survives_any_number_of_connections_and_failed_ones() {
    let mut caller = Caller::connected(false);
    caller.publish(b"t", b"p", QoS::AtLeastOnce).expect("sent");
    for _ in 0..5 {
        caller.breaks();
        // One that does not even get its CONNACK.
        let packet = super::support::caller::connect(false);
        caller.stream = super::support::stream::Script::default();
        caller.stream.inputs.push_back(super::support::stream::Input::End);
        caller.client.open::<super::support::stream::Fault>(&packet, 1_000, caller.now).expect("a packet");
        assert!(caller.client.connect(&mut caller.stream, &packet, true, caller.now).is_err());
        caller.reconnect(false, &CONNACK);
        caller.poll(Awaited::Message).expect("a connection");
        assert_eq!(caller.stream.sent(), publish(0x3A, b"t", 1, b"p"));
    }
}

// [MQTT-3.1.2-6]
#[test]
fn a_clean_session_sends_nothing_again() {
    let mut caller = Caller::connected(false);
    caller.publish(b"t", b"p", QoS::AtLeastOnce).expect("sent");
    caller.publish(b"t", b"p", QoS::ExactlyOnce).expect("sent");
    caller.stream.gives(&pubrec(2));
    caller.poll(Awaited::Message).expect("a connection");
    caller.breaks();
    caller.reconnect(true, &CONNACK);
    assert_eq!(caller.client.slots_in_use(), 0);
    caller.poll(Awaited::Message).expect("a connection");
    assert_eq!(caller.stream.sent(), []);
}

#[test]
fn a_full_table_of_pubrel_leaves_in_one_write_however_slowly() {
    let mut caller = Caller::connected(false);
    let numbers = 1..=u16::try_from(IN_FLIGHT - 1).expect("small");
    for number in numbers.clone() {
        caller.publish(b"t", b"", QoS::ExactlyOnce).expect("sent");
        caller.stream.gives(&pubrec(number));
        caller.poll(Awaited::Message).expect("a connection");
    }
    caller.breaks();
    let expected: Vec<u8> = numbers.flat_map(pubrel).collect();
    caller.reconnect(false, &CONNACK_PRESENT);
    assert_eq!(caller.stream.writes(), [&expected[..]]);

    // Again over a stream that blocks after CONNECT: connect is done all the same, and the rest follows.
    caller.breaks();
    let packet = super::support::caller::connect(false);
    caller.stream = super::support::stream::Script::default();
    caller.stream.outputs.extend([Output::Take(usize::MAX), Output::WouldBlock, Output::Take(5), Output::WouldBlock]);
    caller.stream.gives(&CONNACK_PRESENT);
    caller.client.open::<super::support::stream::Fault>(&packet, 1_000, caller.now).expect("a packet");
    let step = caller.client.connect(&mut caller.stream, &packet, true, caller.now);
    assert_eq!(step, Ok(Step::Done));
    caller.stream.written.clear();
    for _ in 0..3 {
        caller.poll(Awaited::Message).expect("a connection");
    }
    assert_eq!(caller.stream.sent(), expected);
}

#[test]
fn a_new_message_waits_for_those_that_go_again() {
    let mut caller = Caller::connected(false);
    caller.publish(b"old", b"", QoS::AtLeastOnce).expect("sent");
    caller.breaks();
    caller.reconnect(false, &CONNACK);
    let (_, step) = caller.publish(b"new", b"", QoS::AtMostOnce).expect("sent");
    assert_eq!(step, Step::Done);
    assert_eq!(caller.stream.writes(), [publish(0x3A, b"old", 1, b""), publish(0x30, b"new", 0, b"")]);
}

#[test]
fn a_callers_object_that_changed_before_it_went_again_goes_as_it_is_now() {
    let mut caller = Caller::connected(false);
    let (slot, _) = caller.publish(b"t", b"before", QoS::AtLeastOnce).expect("sent");
    caller.breaks();
    caller.kept.insert(slot, (b"t".to_vec(), b"after that".to_vec()));
    caller.reconnect(false, &CONNACK);
    caller.poll(Awaited::Message).expect("a connection");
    assert_eq!(caller.stream.sent(), publish(0x3A, b"t", 1, b"after that"));
}
