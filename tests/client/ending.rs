//! The end of a connection: DISCONNECT as the last packet, streams that fail, a client that can be used again.

use umqtt::client::{Awaited, Error, Step, Wait};
use umqtt::codec::{Delivery, QoS};

use super::identifier;
use super::support::caller::{Caller, TIMEOUT_MS};
use super::support::packets::{CONNACK, DISCONNECT, PINGREQ, numbered, puback, publish};
use super::support::stream::{Fault, Input, Output};

// [MQTT-3.14.4-1] [MQTT-3.14.4-2]
#[test]
fn disconnect_is_the_last_packet() {
    let mut caller = Caller::connected(true);
    assert_eq!(caller.client.disconnect::<Fault>(), Ok(true));
    assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    assert_eq!(caller.stream.writes(), [DISCONNECT]);
    // Until it is closed there is nothing that another thread could send or begin.
    caller.stream.gives(&publish(0x32, b"t", 1, b""));
    assert_eq!(caller.poll(Awaited::Message), Err(Error::NotConnected));
    assert_eq!(caller.publish(b"t", b"", QoS::AtMostOnce), Err(Error::NotConnected));
    assert_eq!(caller.subscribe(b"t", QoS::AtMostOnce), Err(Error::NotConnected));
    assert_eq!(caller.unsubscribe(b"t"), Err(Error::NotConnected));
    assert_eq!(caller.client.slots_in_use(), 0);
    assert_eq!(caller.client.ping::<Fault>(caller.now), Err(Error::NotConnected));
    assert!(caller.acknowledge(Delivery::AtLeastOnce(identifier(9))), "it will come again");
    caller.pass_ms(45_000);
    assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    assert_eq!(caller.stream.writes(), Vec::<Vec<u8>>::new());
    caller.client.close();
    assert!(!caller.client.is_open());
    assert_eq!(caller.client.disconnect::<Fault>(), Err(Error::NotConnected));
}

// [MQTT-3.14.4-2]
#[test]
fn disconnect_goes_behind_a_packet_that_is_half_out_and_before_those_that_are_not() {
    let mut caller = Caller::connected(false);
    caller.stream.outputs.push_back(Output::Take(4));
    caller.stream.then = Some(Output::WouldBlock);
    caller.publish(b"first", b"1", QoS::AtLeastOnce).expect("begun");
    caller.publish(b"second", b"2", QoS::AtLeastOnce).expect("queued");
    assert_eq!(caller.client.disconnect::<Fault>(), Ok(true));
    assert!(matches!(caller.poll(Awaited::Flushed), Ok(Step::Wait(wait)) if wait.write && !wait.read));
    caller.stream.then = None;
    assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    assert_eq!(caller.stream.sent(), [&publish(0x32, b"first", 1, b"1")[..], &DISCONNECT].concat());
    caller.client.close();
    // Both go with the next connection: the second for the first time.
    caller.reconnect(false, &CONNACK);
    caller.poll(Awaited::Message).expect("a connection");
    assert_eq!(caller.stream.writes(), [publish(0x3A, b"first", 1, b"1"), publish(0x32, b"second", 2, b"2")]);
}

// [MQTT-3.14.4-2]
#[test]
fn disconnect_right_after_a_session_resumed_sends_nothing_again() {
    let mut caller = Caller::connected(false);
    caller.publish(b"t", b"p", QoS::AtLeastOnce).expect("sent");
    caller.breaks();
    caller.reconnect(false, &CONNACK);
    assert_eq!(caller.client.disconnect::<Fault>(), Ok(true));
    assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    assert_eq!(caller.stream.sent(), DISCONNECT);
}

#[test]
fn disconnect_twice_is_one_packet() {
    let mut caller = Caller::connected(true);
    caller.stream.then = Some(Output::WouldBlock);
    for _ in 0..100 {
        assert_eq!(caller.client.disconnect::<Fault>(), Ok(true));
    }
    caller.stream.then = None;
    assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    assert_eq!(caller.stream.sent(), DISCONNECT);
}

#[test]
fn disconnect_does_not_ask_where_pingresp_is() {
    let mut caller = Caller::connected(true);
    caller.pass_ms(45_000);
    caller.poll(Awaited::Message).expect("PINGREQ");
    caller.pass_ms(TIMEOUT_MS);
    assert_eq!(caller.client.disconnect::<Fault>(), Ok(true));
    assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    assert_eq!(caller.stream.sent(), [PINGREQ, DISCONNECT].concat());
}

#[test]
fn disconnect_on_a_full_outbox_waits_for_a_place() {
    let mut caller = Caller::connected(true);
    caller.stream.then = Some(Output::WouldBlock);
    while caller.client.ping::<Fault>(caller.now).expect("a connection") {}
    assert_eq!(caller.client.disconnect::<Fault>(), Ok(false));
    caller.stream.then = None;
    assert_eq!(caller.poll(Awaited::Outbox), Ok(Step::Done));
    assert_eq!(caller.client.disconnect::<Fault>(), Ok(true));
    assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    assert!(caller.stream.sent().ends_with(&DISCONNECT));
}

#[test]
fn after_disconnect_all_is_read_to_the_end_of_the_stream() {
    let mut caller = Caller::connected(true);
    caller.stream.gives(&numbered(5_000));
    assert_eq!(caller.client.disconnect::<Fault>(), Ok(true));
    assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    let ms = 3_000;
    let deadline = Some(caller.now.plus_ms(ms));
    assert_eq!(caller.reads_to_the_end(deadline), Ok(Step::Wait(Wait { read: true, write: false, ms })));
    assert!(caller.stream.inputs.is_empty());
    for end in [Input::End, Input::Broken] {
        caller.stream.inputs.extend([Input::Octets(vec![0; 10]), end, Input::Octets(vec![0])]);
        assert!(caller.reads_to_the_end(deadline).is_err_and(|error| error != Error::Timeout));
        assert_eq!(caller.stream.inputs.len(), 1, "not beyond the end");
        assert!(!caller.client.is_open());
        caller = Caller::connected(true);
        assert_eq!(caller.client.disconnect::<Fault>(), Ok(true));
        assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    }
    // A Server that never stops holds the caller for as long as he likes to wait.
    caller.stream.gives(&vec![0; 10_000_000]);
    assert_eq!(caller.reads_to_the_end(deadline), Ok(Step::Wait(Wait { read: true, write: false, ms: 0 })));
    caller.pass_ms(ms);
    assert_eq!(caller.reads_to_the_end(deadline), Err(Error::Timeout));
}

#[test]
fn a_stream_that_fails_while_writing_ends_the_connection() {
    for (output, error) in [(Output::Broken, Error::Transport(Fault::Broken)), (Output::Nothing, Error::EndOfStream)] {
        for taken in 0..6 {
            let mut caller = Caller::connected(true);
            if taken > 0 {
                caller.stream.outputs.push_back(Output::Take(taken));
            }
            caller.stream.outputs.push_back(output);
            assert_eq!(caller.publish(b"t", b"p", QoS::AtMostOnce), Err(error));
            assert!(!caller.client.is_open());
            assert_eq!(caller.poll(Awaited::Message), Err(Error::NotConnected));
            assert_eq!(caller.stream.sent().len(), taken, "not written to again");
        }
        let mut caller = Caller::connected(true);
        caller.stream.outputs.push_back(output);
        caller.stream.gives(&publish(0x32, b"t", 1, b""));
        assert_eq!(caller.poll(Awaited::Message), Err(error), "an acknowledgement");
        caller.reconnect(true, &CONNACK);
        caller.poll(Awaited::Message).expect("a new connection");
        assert_eq!(caller.stream.sent(), [], "and nothing of the old one");
    }
}

#[test]
fn nobody_awaits_an_exchange_of_the_last_connection() {
    let mut caller = Caller::connected(false);
    let (slot, _) = caller.publish(b"t", b"p", QoS::AtLeastOnce).expect("sent");
    caller.breaks();
    assert_eq!(caller.poll(Awaited::Slot(slot)), Err(Error::NotConnected));
    caller.reconnect(false, &CONNACK);
    caller.poll(Awaited::Message).expect("a connection");
    caller.stream.gives(&puback(1));
    caller.poll(Awaited::Message).expect("a connection");
    assert_eq!(caller.client.slots_in_use(), 0, "it frees itself");
}
