//! The short ways: what they do at once, and what they leave to `poll`, with nothing lost.

use umqtt::client::{Awaited, Error, Step, Wait};
use umqtt::codec::QoS;

use super::received;
use super::support::caller::{Caller, TIMEOUT_MS, wait};
use super::support::packets::{PINGREQ, PINGRESP, puback, publish};
use super::support::stream::{Fault, Input, Output};

/// PINGREQ is due this long after the last packet: three quarters of Keep Alive 60.
const DUE_MS: u32 = 45_000;

/// A PUBLISH at QoS 1 that has left: its slot. Its Packet Identifier is 1.
fn published(caller: &mut Caller) -> u8 {
    let (slot, step) = caller.publish(b"t", b"p", QoS::AtLeastOnce).expect("sent");
    assert_eq!(step, wait(true, false, TIMEOUT_MS));
    caller.stream.written.clear();
    caller.stream.reads = 0;
    slot
}

#[test]
fn puback_alone_ends_its_exchange_with_one_read() {
    let mut caller = Caller::connected(true);
    for number in 1..=10 {
        let slot = published(&mut caller);
        caller.stream.gives(&puback(number));
        assert_eq!(caller.client.puback_at_once(&mut caller.stream, slot, caller.now), Ok(true));
        assert_eq!((caller.stream.reads, caller.client.slots_in_use()), (1, 0));
    }
}

#[test]
fn puback_of_another_exchange_or_with_more_behind_it_is_left_to_poll() {
    let message = publish(0x30, b"t", 0, b"m");
    for octets in
        [puback(2), [puback(1), message.clone()].concat(), [message, puback(1)].concat(), puback(1)[..3].to_vec()]
    {
        let mut caller = Caller::connected(true);
        let slot = published(&mut caller);
        caller.stream.gives(&octets);
        assert_eq!(caller.client.puback_at_once(&mut caller.stream, slot, caller.now), Ok(false), "{octets:02X?}");
        assert_eq!(caller.client.slots_in_use(), 1 << slot);
        caller.stream.gives(&puback(1)[if octets.len() == 3 { 3 } else { 0 }..]);
        assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(Step::Done));
        // A message behind PUBACK waits for who awaits it.
        caller.stream.gives(&publish(0x30, b"t", 0, b"m"));
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        assert_eq!(caller.received[0], received(b"t", b"m"));
        assert_eq!(caller.client.slots_in_use(), 0);
    }
}

#[test]
fn puback_is_not_read_for_while_octets_wait() {
    let mut caller = Caller::connected(true);
    caller.stream.gives(&publish(0x30, b"t", 0, b"m")[..3]);
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    let (slot, step) = caller.publish(b"t", b"p", QoS::AtLeastOnce).expect("sent");
    assert_eq!(step, wait(true, false, 0), "what waits is to be looked at");
    caller.stream.reads = 0;
    assert_eq!(caller.client.puback_at_once(&mut caller.stream, slot, caller.now), Ok(false));
    assert_eq!(caller.stream.reads, 0);
    caller.stream.gives(&[&publish(0x30, b"t", 0, b"m")[3..], &puback(1)].concat());
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(Step::Done));
    assert_eq!(caller.received, [received(b"t", b"m")]);
}

#[test]
fn puback_is_left_to_poll_while_pingresp_is_to_come() {
    let mut caller = Caller::connected(true);
    let slot = published(&mut caller);
    assert_eq!(caller.client.ping::<Fault>(caller.now), Ok(true));
    assert_eq!(caller.poll(Awaited::Flushed), Ok(Step::Done));
    assert_eq!(caller.stream.writes(), [PINGREQ]);
    // From here on the Server is silent but for this PUBACK, which counts: it is not silent for long enough.
    caller.pass_ms(TIMEOUT_MS - 1);
    caller.stream.gives(&puback(1));
    assert_eq!(caller.client.puback_at_once(&mut caller.stream, slot, caller.now), Ok(false));
    assert_eq!(caller.stream.reads, 0);
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(Step::Done));
    caller.pass_ms(TIMEOUT_MS - 1);
    caller.stream.gives(&PINGRESP);
    assert_eq!(caller.poll(Awaited::Message), Ok(Step::Done));
}

#[test]
fn what_the_stream_says_instead_of_puback_is_told_and_the_message_is_kept() {
    for (input, error) in [(Input::End, Error::EndOfStream), (Input::Broken, Error::Transport(Fault::Broken))] {
        let mut caller = Caller::connected(false);
        let slot = published(&mut caller);
        caller.stream.inputs.push_back(input);
        assert_eq!(caller.client.puback_at_once(&mut caller.stream, slot, caller.now), Err(error));
        assert!(!caller.client.is_open());
        assert_eq!(caller.client.slots_in_use(), 1 << slot);
        assert_eq!(caller.client.puback_at_once(&mut caller.stream, slot, caller.now), Ok(false));
        assert_eq!(caller.stream.reads, 1, "never again after the end");
    }
}

#[test]
fn nothing_to_read_is_told_after_one_read_with_the_time_of_the_next_pingreq() {
    let mut caller = Caller::connected(true);
    caller.pass_ms(5_000);
    caller.stream.reads = 0;
    let mut may_read = true;
    let told = caller.client.message_at_once(&mut caller.stream, &mut may_read, caller.now);
    assert_eq!(told, Some(Ok(Step::Wait(Wait { read: true, write: false, ms: DUE_MS - 5_000 }))));
    assert_eq!(caller.stream.reads, 1);
}

#[test]
fn pingreq_that_is_due_is_left_to_poll() {
    let mut caller = Caller::connected(true);
    caller.stream.reads = 0;
    caller.pass_ms(DUE_MS);
    let mut may_read = true;
    assert_eq!(caller.client.message_at_once(&mut caller.stream, &mut may_read, caller.now), None);
    assert_eq!((caller.stream.reads, may_read), (0, true));
    assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
    assert_eq!(caller.stream.sent(), PINGREQ);
}

#[test]
fn part_of_a_message_is_left_to_poll_which_knows_that_the_stream_is_drained() {
    for (drains, reads) in [(true, 1), (false, 2)] {
        let mut caller = Caller::connected(true);
        caller.stream.drains = drains;
        caller.stream.reads = 0;
        caller.stream.gives(&publish(0x30, b"t", 0, b"m")[..4]);
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        assert_eq!(caller.stream.reads, reads);
        caller.stream.gives(&publish(0x30, b"t", 0, b"m")[4..]);
        assert!(matches!(caller.poll(Awaited::Message), Ok(Step::Wait(_))));
        assert_eq!(caller.received, [received(b"t", b"m")]);
    }
}

#[test]
fn a_message_that_the_stream_does_not_take_has_a_slot_and_one_that_it_breaks_on_has_none() {
    let mut caller = Caller::connected(true);
    caller.stream.outputs.extend([Output::Take(3), Output::WouldBlock]);
    let (slot, step) = caller.publish(b"t", b"p", QoS::AtMostOnce).expect("begun");
    assert!(matches!(step, Step::Wait(Wait { write: true, .. })));
    assert_eq!(caller.client.slots_in_use(), 1 << slot);
    assert_eq!(caller.poll(Awaited::Slot(slot)), Ok(Step::Done));
    assert_eq!(caller.stream.sent(), publish(0x30, b"t", 0, b"p"));
    caller.stream.outputs.push_back(Output::Broken);
    assert_eq!(caller.publish(b"t", b"p", QoS::AtMostOnce), Err(Error::Transport(Fault::Broken)));
    assert_eq!((caller.client.slots_in_use(), caller.client.is_open()), (0, false));
}
