//! A Server that sends and does not read: acknowledgements pile up, then reading stops, then all goes on.

use umqtt::client::{Awaited, Step, Wait};
use umqtt::codec::{Delivery, QoS};

use umqtt::session::Exchange;

use super::identifier;
use super::support::caller::Caller;
use super::support::packets::{numbered, puback, pubcomp, publish, pubrec, pubrel};
use super::support::stream::{Fault, Output};

/// Whether the step waits for these.
fn waits(step: Step, for_read: bool, for_write: bool) -> bool {
    matches!(step, Step::Wait(Wait { read, write, .. }) if (read, write) == (for_read, for_write))
}

#[test]
fn reading_stops_before_an_answer_finds_no_place_and_goes_on_when_it_does() {
    for first in [0x32, 0x34] {
        let mut caller = Caller::connected(true);
        caller.stream.then = Some(Output::WouldBlock);
        for number in 1..=30 {
            caller.stream.gives(&publish(first, b"t", number, b""));
        }
        let step = caller.poll(Awaited::Message).expect("a connection");
        assert!(waits(step, false, true), "{step:?}");
        let told = caller.received.len();
        assert!((4..30).contains(&told), "{told} messages before the outbox was full");
        let reads = caller.stream.reads;
        let step = caller.poll(Awaited::Message).expect("a connection");
        assert!(waits(step, false, true) && caller.stream.reads == reads, "nothing changes while nothing moves");

        caller.stream.then = None;
        let step = caller.poll(Awaited::Message).expect("a connection");
        assert!(waits(step, true, false), "{step:?}");
        assert_eq!(caller.received.len(), 30);
        let answers: Vec<u8> =
            (1..=30).flat_map(|number| if first == 0x32 { puback(number) } else { pubrec(number) }).collect();
        assert_eq!(caller.stream.sent(), answers);
    }
}

#[test]
fn the_answers_of_a_session_are_bounded_by_the_outbox_too() {
    let mut caller = Caller::connected(true);
    caller.stream.then = Some(Output::WouldBlock);
    for number in 1..=40 {
        caller.stream.gives(&pubrel(number));
    }
    let step = caller.poll(Awaited::Message).expect("a connection");
    assert!(waits(step, false, true), "{step:?}");
    caller.stream.then = Some(Output::Take(3));
    caller.poll(Awaited::Message).expect("a connection");
    let answers: Vec<u8> = (1..=40).flat_map(pubcomp).collect();
    assert_eq!(caller.stream.sent(), answers);
}

#[test]
fn answers_wait_behind_a_packet_that_is_half_out() {
    let mut caller = Caller::connected(true);
    let payload = numbered(3_000);
    caller.stream.outputs.push_back(Output::Take(700));
    caller.stream.then = Some(Output::WouldBlock);
    let (slot, step) = caller.publish(b"t", &payload, QoS::ExactlyOnce).expect("begun");
    assert!(waits(step, true, true), "{step:?}");
    for number in 1..=20 {
        caller.stream.gives(&publish(0x32, b"t", number, b""));
    }
    let step = caller.poll(Awaited::Slot(slot)).expect("a connection");
    assert!(waits(step, false, true), "{step:?}");
    caller.stream.then = None;
    caller.poll(Awaited::Slot(slot)).expect("a connection");
    let mut expected = publish(0x34, b"t", 1, &payload);
    expected.extend((1..=20).flat_map(puback));
    assert!(caller.stream.sent() == expected);
}

#[test]
fn a_caller_whose_acknowledgement_finds_no_place_waits_for_one() {
    let mut caller = Caller::connected(true);
    caller.acknowledges = false;
    caller.stream.gives(&publish(0x32, b"t", 7, b""));
    caller.poll(Awaited::Message).expect("a connection");
    caller.stream.then = Some(Output::WouldBlock);
    let mut pings = 0;
    while caller.client.ping::<Fault>(caller.now).expect("a connection") {
        pings += 1;
    }
    let delivery = Delivery::AtLeastOnce(identifier(7));
    assert!(!caller.acknowledge(delivery));
    let step = caller.poll(Awaited::Outbox).expect("a connection");
    assert!(waits(step, false, true), "{step:?}");
    caller.stream.then = None;
    assert_eq!(caller.poll(Awaited::Outbox), Ok(Step::Done));
    assert!(caller.acknowledge(delivery));
    assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    assert_eq!(caller.stream.sent(), [[0xC0, 0].repeat(pings), puback(7)].concat());
}

#[test]
fn what_comes_while_a_caller_is_busy_with_a_message_leaves_a_place_for_its_acknowledgement() {
    let mut caller = Caller::connected(true);
    caller.acknowledges = false;
    caller.stream.gives(&publish(0x32, b"t", 7, b""));
    caller.poll(Awaited::Message).expect("a connection");
    caller.stream.then = Some(Output::WouldBlock);
    for number in 1..=30 {
        caller.stream.gives(&publish(0x34, b"t", number, b""));
    }
    let step = caller.poll(Awaited::Message).expect("a connection");
    assert!(waits(step, false, true), "{step:?}");
    assert!(caller.acknowledge(Delivery::AtLeastOnce(identifier(7))));
}

#[test]
fn room_for_a_message_can_be_awaited() {
    let message = Exchange::Publish { qos: QoS::AtLeastOnce, retain: false };
    let mut caller = Caller::connected(true);
    let mut slots = Vec::new();
    while let Ok((slot, _)) = caller.publish(b"t", b"", QoS::AtLeastOnce) {
        slots.push(slot);
    }
    assert!(matches!(caller.poll(Awaited::RoomFor(message)), Ok(Step::Wait(_))));
    caller.client.abandon(slots[2]);
    caller.stream.gives(&puback(3));
    assert_eq!(caller.poll(Awaited::RoomFor(message)), Ok(Step::Done));
    let (slot, _) = caller.publish(b"t", b"", QoS::AtLeastOnce).expect("sent");
    assert_eq!(slot, slots[2]);
}
