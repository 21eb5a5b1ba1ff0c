//! Everything that can go wrong, as the status that C turns into an exception.

use super::bindings as c;
use super::bindings::{
    UMQTT_AWAIT_MESSAGE, UMQTT_DONE, UMQTT_NOT_CONNECTED, UMQTT_STREAM_RAISED, UMQTT_WAIT, UMQTT_WANT_READ,
    UMQTT_WANT_WRITE, umqtt_connect_t,
};
use super::c_side::{CSide, check_string, check_topic_name, connect, connect_fields, failed, result};
use super::support::packets::{CONNACK, publish, suback};

// Linux's numbers, typed out.
const ECONNRESET: i32 = 104;
const ETIMEDOUT: i32 = 110;

#[test]
fn an_argument_that_is_wrong_says_why() {
    let long = vec![b'a'; 65_536];
    for (octets, name, string) in [
        (&b"t"[..], UMQTT_DONE, UMQTT_DONE),
        (b"", c::UMQTT_TOPIC_EMPTY, UMQTT_DONE),
        (b"\xFF", c::UMQTT_TOPIC_NOT_UTF8, c::UMQTT_TOPIC_NOT_UTF8),
        (b"\0", c::UMQTT_TOPIC_NUL, c::UMQTT_TOPIC_NUL),
        (b"a/#", c::UMQTT_TOPIC_WILDCARD, UMQTT_DONE),
        (b"a#", c::UMQTT_TOPIC_WILDCARD, UMQTT_DONE),
        (&long, c::UMQTT_TOPIC_TOO_LONG, c::UMQTT_TOPIC_TOO_LONG),
    ] {
        let told = (check_topic_name(octets), check_string(octets));
        assert_eq!(told, (name, string), "{:?}", &octets[..octets.len().min(10)]);
    }
}

#[test]
fn a_verb_with_a_wrong_argument_begins_nothing() {
    let mut client = CSide::connected(true);
    assert_eq!(client.publish(b"a/+", b"", 1), c::UMQTT_TOPIC_WILDCARD);
    assert_eq!(client.subscribe(b"a+", 1), c::UMQTT_TOPIC_WILDCARD);
    assert_eq!(client.unsubscribe(b""), c::UMQTT_TOPIC_EMPTY);
    let zeros = vec![0; 268_435_453];
    assert_eq!(client.publish(b"t", &zeros, 0), c::UMQTT_PACKET_TOO_LONG);
    assert_eq!((client.slots_in_use(), client.sent(), client.is_open()), (0, vec![], true));

    let long = vec![b'a'; 65_536];
    let mut client = CSide::new();
    let refused = umqtt_connect_t { field: connect_fields(Some(b"c"), None, Some(&long), None), ..connect(true) };
    assert_eq!(client.open(&refused), c::UMQTT_FIELD_TOO_LONG);
}

#[test]
fn every_call_without_a_connection_says_so() {
    let mut client = CSide::new();
    assert_eq!(client.publish(b"t", b"", 1), UMQTT_NOT_CONNECTED);
    assert_eq!(client.subscribe(b"t", 1), UMQTT_NOT_CONNECTED);
    assert_eq!(client.unsubscribe(b"t"), UMQTT_NOT_CONNECTED);
    assert_eq!(client.ping(), UMQTT_NOT_CONNECTED);
    assert_eq!(client.disconnect(), UMQTT_NOT_CONNECTED);
    assert_eq!(client.poll(UMQTT_AWAIT_MESSAGE), UMQTT_NOT_CONNECTED);
    client.delivered();
    client.close();
    assert!(!client.is_open());
}

#[test]
fn a_refusal_tells_the_servers_code() {
    for code in 1..=5 {
        let mut client = CSide::new();
        client.gives(&[0x20, 2, 0, code]);
        assert_eq!(client.open(&connect(true)), UMQTT_DONE);
        assert_eq!(client.connect(&connect(true)), c::UMQTT_REFUSED);
        assert_eq!(client.step.code, i32::from(code));
    }
    let mut client = CSide::connected(true);
    assert_eq!(client.subscribe(b"t", 0), UMQTT_WAIT);
    client.gives(&suback(1, 0x80));
    assert_eq!(client.poll(u32::from(client.step.begun)), c::UMQTT_SUBSCRIPTION_REFUSED);
    assert!(client.is_open());
}

#[test]
fn each_fault_of_the_server_has_its_own_status_and_ends_the_connection() {
    for (octets, status) in [
        (&[0x30, 0x80, 0x80, 0x80, 0x80][..], c::UMQTT_BAD_REMAINING_LENGTH),
        (&[0x41], c::UMQTT_BAD_FLAGS),
        (&[0x10], c::UMQTT_BAD_TYPE),
        (&[0x40, 3], c::UMQTT_BAD_LENGTH),
        (&[0x36], c::UMQTT_BAD_QOS),
        (&[0x38], c::UMQTT_BAD_DUP),
        (&[0x40, 2, 0, 0], c::UMQTT_BAD_IDENTIFIER),
        (&[0x30, 3, 0, 1, b'#'], c::UMQTT_BAD_TOPIC),
        (&[0x20, 2, 2, 0], c::UMQTT_BAD_CONNACK_FLAGS),
        (&[0x20, 2, 0, 6], c::UMQTT_BAD_CONNACK_CODE),
        (&[0x90, 3, 0, 1, 3], c::UMQTT_BAD_SUBACK_CODE),
        (&CONNACK, c::UMQTT_SECOND_CONNACK),
    ] {
        let mut client = CSide::connected(true);
        client.gives(octets);
        assert_eq!(client.poll(UMQTT_AWAIT_MESSAGE), status, "{octets:x?}");
        assert!(!client.is_open());
    }
    let mut client = CSide::new();
    client.gives(&[0xD0, 0]);
    assert_eq!(client.open(&connect(true)), UMQTT_DONE);
    assert_eq!(client.connect(&connect(true)), c::UMQTT_BEFORE_CONNACK);
    let mut client = CSide::connected(true);
    let mut number = 0;
    let status = loop {
        // One identifier in each group of neighbours.
        number += 32;
        client.gives(&publish(0x34, b"t", number, b""));
        match client.poll(UMQTT_AWAIT_MESSAGE) {
            c::UMQTT_MESSAGE => client.taken(),
            other => break other,
        }
    };
    assert_eq!(status, c::UMQTT_INCOMING_FULL);
    assert!(!client.is_open());
}

#[test]
fn each_fault_of_the_stream_has_its_own_status_and_ends_the_connection() {
    for (told, status, code) in [
        // The end of a stream, in all ways that ports have for it.
        (0, c::UMQTT_STREAM_ERROR, ECONNRESET),
        (failed(0), c::UMQTT_STREAM_ERROR, ECONNRESET),
        (failed(107), c::UMQTT_STREAM_ERROR, ECONNRESET),
        (failed(-107), c::UMQTT_STREAM_ERROR, ECONNRESET),
        (failed(-0x7280), c::UMQTT_STREAM_ERROR, ECONNRESET),
        // Errors, some ports give them negative; those of TLS stay as they are.
        (failed(32), c::UMQTT_STREAM_ERROR, 32),
        (failed(-32), c::UMQTT_STREAM_ERROR, 32),
        (failed(-255), c::UMQTT_STREAM_ERROR, 255),
        (failed(-0x2700), c::UMQTT_STREAM_ERROR, -0x2700),
        (isize::MIN, c::UMQTT_STREAM_ERROR, i32::MAX),
        (result(UMQTT_STREAM_RAISED), c::UMQTT_RAISED, 0),
    ] {
        let mut client = CSide::connected(true);
        client.stream.when_empty = told;
        assert_eq!(client.poll(UMQTT_AWAIT_MESSAGE), status, "reading: {told}");
        assert_eq!(client.step.code, code, "reading: {told}");
        assert!(!client.is_open());

        let mut client = CSide::connected(true);
        client.stream.when_full = told;
        client.takes(0);
        assert_eq!(client.publish(b"t", b"", 0), status, "writing: {told}");
        assert_eq!(client.step.code, code, "writing: {told}");
        assert!(!client.is_open());

        let mut client = CSide::new();
        client.stream.when_full = told;
        client.takes(0);
        assert_eq!(client.open(&connect(true)), UMQTT_DONE);
        assert_eq!(client.connect(&connect(true)), status, "connecting: {told}");
    }
}

#[test]
fn would_block_has_either_sign_and_is_no_error() {
    for code in [11, -11, 115] {
        let mut client = CSide::connected(true);
        client.stream.when_empty = failed(code);
        assert_eq!(client.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
        client.stream.when_full = failed(code);
        client.takes(0);
        assert_eq!(client.publish(b"t", b"", 0), UMQTT_WAIT);
        assert_eq!(u32::from(client.step.want), UMQTT_WANT_READ | UMQTT_WANT_WRITE);
        assert!(client.is_open());
    }
}

#[test]
fn an_answer_that_does_not_come_is_a_timeout_and_silence_is_another() {
    let mut client = CSide::connected(true);
    client.step.now_ms = u32::MAX - 10;
    assert_eq!(client.publish(b"t", b"", 1), UMQTT_WAIT);
    let slot = client.step.begun;
    client.step.now_ms = client.step.now_ms.wrapping_add(999);
    assert_eq!(client.poll(u32::from(slot)), UMQTT_WAIT);
    assert_eq!(client.step.wait_ms, 1);
    client.step.now_ms = client.step.now_ms.wrapping_add(1);
    assert_eq!(client.poll(u32::from(slot)), c::UMQTT_TIMEOUT);
    assert!(client.is_open());

    client.step.now_ms = client.step.now_ms.wrapping_add(45_000);
    assert_eq!(client.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
    assert_eq!(client.step.wait_ms, 1_000);
    client.step.now_ms = client.step.now_ms.wrapping_add(1_000);
    assert_eq!(client.poll(UMQTT_AWAIT_MESSAGE), c::UMQTT_STREAM_ERROR);
    assert_eq!(client.step.code, ETIMEDOUT);
    assert!(!client.is_open());
}

#[test]
fn a_buffer_that_changed_while_it_was_sent_ends_the_connection() {
    let mut client = CSide::connected(true);
    client.takes(3);
    assert_eq!(client.publish(b"t", b"payload", 1), UMQTT_WAIT);
    client.step.slot = client.step.begun;
    client.lends(b"t", b"pay");
    assert_eq!(client.poll(u32::from(client.step.begun)), c::UMQTT_CHANGED);
    assert!(!client.is_open());
}
