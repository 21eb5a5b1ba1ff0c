//! Keep Alive on a stream: PINGREQ in time, PINGRESP fetched even for a caller who only publishes, silence noticed.

use umqtt::client::{Awaited, Call, Error, Lent, Step};
use umqtt::codec::QoS;
use umqtt::session::SessionError;

use super::support::caller::{Caller, TIMEOUT_MS, wait};
use super::support::packets::{PINGREQ, PINGRESP, numbered, puback, publish};
use super::support::stream::{Fault, Input, Output};

const SILENT: Error<Fault> = Error::Session(SessionError::Silent);

// [MQTT-3.1.2-23]
#[test]
fn a_caller_who_waits_sends_pingreq_in_time() {
    let mut caller = Caller::connected(true);
    for _ in 0..3 {
        assert_eq!(caller.poll(Awaited::Message), Ok(wait(true, false, 45_000)));
        caller.pass_ms(45_000);
        assert_eq!(caller.poll(Awaited::Message), Ok(wait(true, false, TIMEOUT_MS)));
        assert_eq!(caller.stream.writes(), [PINGREQ]);
        caller.stream.gives(&PINGRESP);
        assert_eq!(caller.poll(Awaited::Message), Ok(wait(true, false, 45_000)), "PINGRESP is nothing to tell");
    }
}

#[test]
fn silence_after_pingreq_ends_the_connection() {
    let mut caller = Caller::connected(true);
    caller.pass_ms(45_000);
    assert_eq!(caller.poll(Awaited::Message), Ok(wait(true, false, TIMEOUT_MS)));
    caller.pass_ms(TIMEOUT_MS);
    assert_eq!(caller.poll(Awaited::Message), Err(SILENT));
    assert!(!caller.client.is_open());
}

#[test]
fn a_pingresp_that_waits_to_be_read_is_no_silence() {
    let mut caller = Caller::connected(true);
    caller.pass_ms(45_000);
    caller.poll(Awaited::Message).expect("PINGREQ");
    caller.stream.gives(&PINGRESP);
    caller.pass_ms(TIMEOUT_MS * 10);
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
}

#[test]
fn a_caller_who_only_publishes_sends_pingreq_and_reads_its_answer() {
    let mut caller = Caller::connected(true);
    for _ in 0..5 {
        caller.pass_ms(46_000);
        let (_, step) = caller.publish(b"t", b"p", QoS::AtMostOnce).expect("sent");
        assert_eq!(step, Step::Done);
        assert_eq!(caller.stream.sent(), [&PINGREQ[..], &publish(0x30, b"t", 0, b"p")].concat());
        caller.stream.gives(&PINGRESP);
    }
    assert_eq!(caller.stream.inputs.len(), 1, "each answer is read by the next call");
}

#[test]
fn a_caller_who_only_publishes_notices_silence() {
    let mut caller = Caller::connected(true);
    caller.pass_ms(46_000);
    caller.publish(b"t", b"p", QoS::AtMostOnce).expect("sent");
    caller.pass_ms(TIMEOUT_MS - 1);
    caller.publish(b"t", b"p", QoS::AtMostOnce).expect("sent");
    caller.pass_ms(1);
    assert_eq!(caller.publish(b"t", b"p", QoS::AtMostOnce), Err(SILENT));
}

#[test]
fn a_caller_who_only_publishes_gets_the_messages_before_pingresp() {
    let mut caller = Caller::connected(true);
    caller.pass_ms(46_000);
    caller.publish(b"t", b"p", QoS::AtMostOnce).expect("sent");
    caller.stream.gives(&[&publish(0x30, b"in", 0, b"")[..], &PINGRESP].concat());
    caller.pass_ms(TIMEOUT_MS + 1);
    let (_, step) = caller.publish(b"t", b"p", QoS::AtMostOnce).expect("sent");
    assert_eq!((step, caller.messages().len()), (Step::Done, 1));
}

#[test]
fn a_callers_ping_is_done_when_pingresp_has_come() {
    let mut caller = Caller::connected(true);
    assert_eq!(caller.client.ping::<Fault>(caller.now), Ok(true));
    assert_eq!(caller.poll(Awaited::Message), Ok(wait(true, false, TIMEOUT_MS)));
    assert_eq!(caller.stream.writes(), [PINGREQ]);
    caller.stream.gives(&[&publish(0x30, b"t", 0, b"")[..], &PINGRESP].concat());
    assert_eq!(caller.poll(Awaited::Message), Ok(Step::Done));
    assert_eq!(caller.messages().len(), 1, "what came before it is told before it");
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))), "told once");
}

#[test]
fn a_slow_message_coming_in_does_not_keep_pingreq_back() {
    let mut caller = Caller::connected(true);
    caller.stream.gives(&publish(0x30, b"t", 0, &numbered(5_000))[..1_000]);
    for second in 1..=180 {
        caller.stream.inputs.extend([Input::WouldBlock, Input::Octets(vec![0])]);
        caller.pass_ms(1_000);
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        let expected: &[u8] = if second % 45 == 0 { &PINGREQ } else { &[] };
        assert_eq!(caller.stream.sent(), expected, "after {second} s");
    }
}

#[test]
fn a_slow_message_going_out_is_no_silence() {
    let mut caller = Caller::connected(true);
    let payload = numbered(10_000);
    caller.stream.then = Some(Output::WouldBlock);
    caller.publish(b"t", &payload, QoS::AtMostOnce).expect("begun");
    // It stands still until PINGREQ is queued behind it; from then on it moves, slowly.
    caller.pass_ms(45_000);
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    for _ in 0..99 {
        caller.pass_ms(10_000);
        caller.stream.outputs.push_back(Output::Take(100));
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    }
    caller.stream.then = None;
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    let expected = [&publish(0x30, b"t", 0, &payload)[..], &PINGREQ].concat();
    assert!(caller.stream.sent() == expected, "the message, and one PINGREQ behind it");
    // Now the Server owes an answer.
    caller.pass_ms(TIMEOUT_MS);
    assert_eq!(caller.poll(Awaited::Message), Err(SILENT));
}

#[test]
fn a_link_that_stands_still_is_noticed() {
    let mut caller = Caller::connected(true);
    caller.stream.outputs.push_back(Output::Take(100));
    caller.stream.then = Some(Output::WouldBlock);
    caller.publish(b"t", &numbered(10_000), QoS::AtMostOnce).expect("begun");
    caller.pass_ms(45_000);
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    caller.pass_ms(TIMEOUT_MS - 1);
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    caller.pass_ms(1);
    assert_eq!(caller.poll(Awaited::Message), Err(SILENT));
}

#[test]
fn pingreq_has_a_place_even_when_the_outbox_is_full() {
    let mut caller = Caller::connected(true);
    caller.stream.then = Some(Output::WouldBlock);
    while caller.client.ping::<Fault>(caller.now).expect("a connection") {}
    caller.stream.then = None;
    // Their answers come; what is left is the one that Keep Alive asks for.
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    let pings = caller.stream.sent().len() / 2;
    caller.stream.gives(&PINGRESP.repeat(pings));
    for _ in 0..pings {
        assert_eq!(caller.poll(Awaited::Message), Ok(Step::Done));
    }
    caller.stream.then = Some(Output::WouldBlock);
    for number in 1..=11 {
        caller.stream.gives(&publish(0x32, b"t", number, b""));
    }
    caller.acknowledges = false;
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    for number in 1.. {
        if !caller.acknowledge(umqtt::codec::Delivery::AtLeastOnce(super::identifier(number))) {
            break;
        }
    }
    caller.pass_ms(45_000);
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    caller.pass_ms(TIMEOUT_MS - 1);
    caller.stream.then = None;
    caller.poll(Awaited::Outbox).expect("the link moves again");
    assert!(caller.stream.sent().starts_with(&PINGREQ));
    caller.stream.gives(&PINGRESP);
    caller.pass_ms(TIMEOUT_MS);
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
}

#[test]
fn pingreq_is_sent_again_though_the_outbox_was_never_empty_since() {
    let mut caller = Caller::connected(true);
    caller.stream.then = Some(Output::WouldBlock);
    for left in [&[2][..], &[4, 2], &[4, 2]] {
        // The PUBACK of before leaves, and PINGREQ.
        caller.pass_ms(45_000);
        caller.stream.gives(&publish(0x32, b"t", 1, b""));
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        caller.stream.outputs.extend(left.iter().map(|&len| Output::Take(len)));
        caller.stream.outputs.push_back(Output::WouldBlock);
        caller.stream.gives(&PINGRESP);
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    }
    caller.stream.then = None;
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert_eq!(caller.stream.sent(), [&PINGREQ[..], &puback(1)].concat().repeat(3));
}

#[test]
fn a_pingresp_that_waited_in_the_buffer_is_no_sign_that_the_next_one_is_late() {
    let mut caller = Caller::connected(true);
    caller.acknowledges = false;
    assert_eq!(caller.client.ping::<Fault>(caller.now), Ok(true));
    caller.stream.gives(&[&publish(0x32, b"t", 1, b"")[..], &PINGRESP].concat());
    let told = caller.client.poll(&mut caller.stream, &Call::new(Awaited::Message), &mut Lent::default(), caller.now);
    assert_eq!(told, Ok(Step::Message));
    // The callback takes its time, and asks once more.
    caller.pass_ms(TIMEOUT_MS * 2);
    assert_eq!(caller.client.ping::<Fault>(caller.now), Ok(true));
    assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    caller.pass_ms(1);
    assert_eq!(caller.poll(Awaited::Message), Ok(Step::Done));
    assert_eq!(caller.poll(Awaited::Message), Ok(wait(true, false, TIMEOUT_MS)));
    caller.pass_ms(TIMEOUT_MS);
    assert_eq!(caller.poll(Awaited::Message), Err(SILENT));
}

#[test]
fn a_caller_who_cannot_look_for_pingresp_behind_a_message_sleeps_until_he_has_to_do_something() {
    let mut caller = Caller::connected(true);
    let poll = |caller: &mut Caller, takes, may_read| {
        let call = Call { takes, may_read, attends: false, ..Call::new(Awaited::Message) };
        caller.client.poll(&mut caller.stream, &call, &mut Lent::default(), caller.now)
    };
    caller.pass_ms(45_000);
    caller.stream.gives(&[&publish(0x30, b"t", 0, b"")[..], &PINGRESP].concat());
    assert_eq!(poll(&mut caller, false, true), Ok(wait(false, false, TIMEOUT_MS)));
    caller.pass_ms(TIMEOUT_MS);
    assert_eq!(poll(&mut caller, false, true), Ok(wait(false, false, 25_000)), "until PINGREQ is due again");
    // The same with an empty buffer: he comes again at once, and looks.
    assert_eq!(poll(&mut caller, true, false), Ok(Step::Message));
    assert!(matches!(poll(&mut caller, true, false), Ok(Step::Wait(_))));
    caller.pass_ms(25_000);
    assert_eq!(poll(&mut caller, false, false), Ok(wait(true, false, TIMEOUT_MS)));
    caller.pass_ms(TIMEOUT_MS);
    assert_eq!(poll(&mut caller, false, false), Ok(wait(true, false, 1)));
    assert_eq!(poll(&mut caller, false, true), Err(SILENT));
}

#[test]
fn the_time_for_pingresp_begins_when_pingreq_has_left_whatever_is_behind_it() {
    for is_callers in [false, true] {
        let mut caller = Caller::connected(true);
        caller.stream.then = Some(Output::WouldBlock);
        if is_callers {
            assert_eq!(caller.client.ping::<Fault>(caller.now), Ok(true));
        } else {
            caller.pass_ms(45_000);
        }
        caller.stream.gives(&publish(0x32, b"t", 1, b""));
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        // It leaves late, and PUBACK octet by octet.
        caller.pass_ms(TIMEOUT_MS - 1);
        caller.stream.outputs.extend([Output::Take(2), Output::Take(1), Output::WouldBlock]);
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        caller.pass_ms(TIMEOUT_MS - 1);
        caller.stream.outputs.extend([Output::Take(1), Output::WouldBlock]);
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        assert_eq!(caller.stream.sent(), [&PINGREQ[..], &puback(1)[..2]].concat());
        caller.pass_ms(1);
        assert_eq!(caller.poll(Awaited::Message), Err(SILENT));
    }
}
