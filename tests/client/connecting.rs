//! From CONNECT to CONNACK, however slowly both move.

use umqtt::client::{Awaited, Error, Step, Wait};
use umqtt::codec::{Connect, ConnectReturnCode, DecodeError, EncodeError, QoS};
use umqtt::session::SessionError;

use super::received;
use super::support::caller::{Caller, TIMEOUT_MS, connect, connect_octets};
use super::support::packets::{CONNACK, CONNACK_PRESENT, PINGRESP, field, packet, publish};
use super::support::stream::{Fault, Input, Output, Script};

type Connected = Result<Step, Error<Fault>>;

/// A caller that has opened a connection over this stream.
fn opened(stream: Script) -> Caller {
    let mut caller = Caller::new(stream);
    caller.client.open::<Fault>(&connect(true), TIMEOUT_MS, caller.now).expect("a packet that can be sent");
    caller
}

fn step(caller: &mut Caller) -> Connected {
    caller.client.connect(&mut caller.stream, &connect(true), true, caller.now)
}

/// Steps until there is something else than waiting.
fn connected(caller: &mut Caller) -> Connected {
    for _ in 0..100 {
        match step(caller) {
            Ok(Step::Wait(_)) => {}
            other => return other,
        }
    }
    panic!("waits for ever");
}

const TO_WRITE: Connected = Ok(Step::Wait(Wait { read: true, write: true, ms: u32::MAX }));
const TO_READ: Connected = Ok(Step::Wait(Wait { read: true, write: false, ms: u32::MAX }));

// [MQTT-3.1.0-1]
#[test]
fn connect_is_the_first_packet_and_one_write() {
    let mut caller = opened(Script::default());
    assert_eq!(step(&mut caller), TO_READ);
    assert_eq!(caller.stream.writes(), [connect_octets(true)]);
    assert_eq!(caller.poll(Awaited::Message), Err(Error::NotConnected), "not yet");
    caller.stream.gives(&CONNACK);
    assert_eq!(step(&mut caller), Ok(Step::Done));
    assert!(caller.client.is_open());
    assert!(caller.stream.writes().is_empty());
}

#[test]
fn connect_leaves_whole_through_every_split() {
    let octets = connect_octets(true);
    for split in 1..octets.len() {
        let mut caller = opened(Script::default());
        // Tried again after each look for octets.
        let blocked = [Output::WouldBlock, Output::WouldBlock];
        caller.stream.outputs.extend(blocked.into_iter().chain([Output::Take(split)]).chain(blocked));
        assert_eq!(step(&mut caller), TO_WRITE);
        assert_eq!(step(&mut caller), TO_WRITE);
        assert_eq!(step(&mut caller), TO_READ);
        assert_eq!(caller.stream.writes(), [&octets[..split], &octets[split..]]);
    }
}

#[test]
fn a_connect_longer_than_any_buffer_leaves_whole() {
    let long = vec![b'x'; 65_535];
    let packet_to_send = Connect { client_identifier: &long, user_name: Some(&long), ..connect(true) };
    let expected = packet(0x10, &[&field(b"MQTT"), &[4, 0x82, 0, 60], &field(&long), &field(&long)]);
    for output in [Output::Take(usize::MAX), Output::Take(100), Output::Take(511)] {
        let mut caller = Caller::new(Script::default());
        caller.stream.then = Some(output);
        caller.client.open::<Fault>(&packet_to_send, TIMEOUT_MS, caller.now).expect("a packet that can be sent");
        caller.stream.gives(&CONNACK);
        let step = caller.client.connect(&mut caller.stream, &packet_to_send, true, caller.now);
        assert_eq!(step, Ok(Step::Done));
        assert!(caller.stream.sent() == expected);
    }
}

#[test]
fn a_field_too_long_changes_nothing() {
    let long = vec![b'x'; 65_536];
    let mut caller = Caller::connected(true);
    let refused = Connect { password: Some(&long), user_name: Some(b""), ..connect(true) };
    let error = caller.client.open::<Fault>(&refused, TIMEOUT_MS, caller.now);
    assert_eq!(error, Err(Error::Encode(EncodeError::FieldTooLong)));
    assert!(caller.client.is_open());
}

#[test]
fn connack_in_single_octets_and_would_block_between_them_is_connack() {
    let mut caller = opened(Script::default());
    for octet in CONNACK {
        assert_eq!(step(&mut caller), TO_READ);
        caller.stream.gives(&[octet]);
    }
    assert_eq!(step(&mut caller), Ok(Step::Done));
}

#[test]
fn a_step_that_may_not_read_does_not() {
    let mut caller = opened(Script::default());
    caller.stream.gives(&CONNACK);
    let step = caller.client.connect(&mut caller.stream, &connect(true), false, caller.now);
    assert_eq!((step, caller.stream.reads), (TO_READ, 0));
}

#[test]
fn messages_in_the_read_of_connack_wait_for_the_next_step() {
    let mut caller = opened(Script::default());
    caller.stream.gives(&[&CONNACK[..], &publish(0x31, b"a", 0, b"1"), &publish(0x31, b"b", 0, b"2")].concat());
    assert_eq!(connected(&mut caller), Ok(Step::Done));
    let step = caller.poll_once(Awaited::Message, false);
    assert!(matches!(step, Ok(Step::Wait(_))), "{step:?}");
    assert_eq!(caller.messages(), [received(b"a", b"1"), received(b"b", b"2")]);
}

// [MQTT-3.2.0-1]
#[test]
fn another_packet_before_connack_ends_the_connection() {
    let long = publish(0x30, b"t", 0, &[0; 5_000]);
    for octets in [PINGRESP.to_vec(), publish(0x30, b"t", 0, b"p"), long] {
        let mut caller = opened(Script::default());
        caller.stream.gives(&octets);
        assert_eq!(connected(&mut caller), Err(Error::Session(SessionError::BeforeConnack)));
        assert_eq!(caller.poll(Awaited::Message), Err(Error::NotConnected));
    }
}

#[test]
fn a_refusal_ends_the_connection_with_its_code() {
    let mut caller = opened(Script::default());
    caller.stream.gives(&[0x20, 2, 0, 5]);
    assert_eq!(connected(&mut caller), Err(Error::Refused(ConnectReturnCode::NotAuthorized)));
    assert!(!caller.client.is_open());
    // It stays so whatever the Server sends now.
    caller.stream.gives(&CONNACK);
    assert_eq!(step(&mut caller), Err(Error::NotConnected));
    assert!(!caller.client.is_open());
    // And the client can be used again.
    caller.reconnect(true, &CONNACK);
    assert!(caller.client.is_open());
}

// [MQTT-3.2.2-1]
#[test]
fn session_present_after_a_clean_session_is_passed_over() {
    let mut caller = opened(Script::default());
    caller.stream.gives(&CONNACK_PRESENT);
    assert_eq!(connected(&mut caller), Ok(Step::Done));
}

#[test]
fn octets_that_are_no_connack_end_the_connection() {
    for (octets, error) in [
        (&b"SSH-2.0"[..], DecodeError::ReservedFlags),
        (&[0x10, 13], DecodeError::UnexpectedType),
        (&[0x21], DecodeError::ReservedFlags),
        (&[0x20, 0x80, 0x80, 0x80, 0x80], DecodeError::RemainingLength),
        (&[0x20, 2, 2, 0], DecodeError::ConnackFlags),
    ] {
        let mut caller = opened(Script::default());
        caller.stream.gives(octets);
        assert_eq!(connected(&mut caller), Err(Error::Session(SessionError::Malformed(error))));
        assert!(!caller.client.is_open());
    }
}

#[test]
fn a_stream_that_fails_ends_the_connection() {
    for (output, error) in [(Output::Broken, Error::Transport(Fault::Broken)), (Output::Nothing, Error::EndOfStream)] {
        let mut caller = opened(Script::default());
        caller.stream.outputs.extend([Output::Take(3), output]);
        assert_eq!(connected(&mut caller), Err(error));
    }
    for (input, error) in [(Input::Broken, Error::Transport(Fault::Broken)), (Input::End, Error::EndOfStream)] {
        let mut caller = opened(Script::default());
        caller.stream.inputs.extend([Input::Octets(vec![0x20, 2]), input]);
        assert_eq!(connected(&mut caller), Err(error));
        assert_eq!(caller.publish(b"t", b"p", QoS::AtMostOnce), Err(Error::NotConnected));
    }
}

#[test]
fn a_second_open_leaves_the_first_connection_behind() {
    let mut caller = Caller::connected(true);
    // Half a packet came, and half of one is out.
    caller.stream.gives(&[0x30, 100, 0]);
    caller.stream.outputs.push_back(Output::Take(2));
    caller.stream.then = Some(Output::WouldBlock);
    caller.publish(b"t", b"p", QoS::AtMostOnce).expect("blocked");
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    caller.reconnect(true, &CONNACK);
    caller.stream.gives(&publish(0x30, b"t", 0, b"new"));
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert_eq!(caller.messages(), [received(b"t", b"new")]);
    assert!(caller.stream.sent().is_empty(), "nothing of the first connection");
}

#[test]
fn verbs_without_a_connection_say_so() {
    let mut caller = Caller::new(Script::default());
    assert_eq!(caller.publish(b"t", b"p", QoS::AtLeastOnce), Err(Error::NotConnected));
    assert_eq!(caller.subscribe(b"t", QoS::AtLeastOnce), Err(Error::NotConnected));
    assert_eq!(caller.unsubscribe(b"t"), Err(Error::NotConnected));
    assert_eq!(caller.client.ping::<Fault>(caller.now), Err(Error::NotConnected));
    assert_eq!(caller.client.disconnect::<Fault>(), Err(Error::NotConnected));
    assert_eq!(caller.poll(Awaited::Message), Err(Error::NotConnected));
    assert_eq!((caller.stream.reads, caller.stream.written.len()), (0, 0));
}
