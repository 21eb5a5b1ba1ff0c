//! Exchanges through umqtt.h: what a step asks C for, and what it tells.

use super::bindings::{
    UMQTT_AWAIT_END, UMQTT_AWAIT_FLUSHED, UMQTT_AWAIT_MESSAGE, UMQTT_AWAIT_OUTBOX, UMQTT_AWAIT_ROOM_FOR_MESSAGE,
    UMQTT_BUSY, UMQTT_DONE, UMQTT_FOREVER, UMQTT_FULL, UMQTT_LEND, UMQTT_NOT_CONNECTED, UMQTT_WAIT, UMQTT_WANT_READ,
    UMQTT_WANT_WRITE, umqtt_connect_t,
};
use super::c_side::{CSide, connect, connect_fields};
use super::support::packets::{
    CONNACK, DISCONNECT, PINGREQ, PINGRESP, field, numbered, packet, puback, pubcomp, publish, pubrec, pubrel, suback,
    unsuback,
};
#[cfg(feature = "quick")]
use super::{bindings::UMQTT_STREAM_ERROR, c_side::failed};

fn wants(c: &CSide) -> u32 {
    u32::from(c.step.want)
}

#[test]
fn connect_sends_every_field_and_waits_for_connack() {
    let mut c = CSide::new();
    let packet_to_send = umqtt_connect_t {
        field: connect_fields(Some(b"id"), Some((b"will", b"gone")), Some(b"user"), Some(b"")),
        will_retain: true,
        will_qos: 2,
        keep_alive_s: 0x0102,
        ..connect(false)
    };
    assert_eq!(c.open(&packet_to_send), UMQTT_DONE);
    assert_eq!(c.connect(&packet_to_send), UMQTT_WAIT);
    assert_eq!((wants(&c), c.step.wait_ms), (UMQTT_WANT_READ, UMQTT_FOREVER));
    let fields = [field(b"id"), field(b"will"), field(b"gone"), field(b"user"), field(b"")].concat();
    assert_eq!(c.sent(), packet(0x10, &[&field(b"MQTT"), &[4, 0xF4, 1, 2], &fields]));
    assert!(!c.is_open());
    c.gives(&CONNACK);
    assert_eq!(c.connect(&packet_to_send), UMQTT_DONE);
    assert!(c.is_open());
    // What is not there stays out, whatever else is set.
    let packet_to_send =
        umqtt_connect_t { field: connect_fields(Some(b"id"), None, Some(b"user"), None), ..packet_to_send };
    assert_eq!(c.open(&packet_to_send), UMQTT_DONE);
    assert_eq!(c.connect(&packet_to_send), UMQTT_WAIT);
    let fields = [field(b"id"), field(b"user")].concat();
    assert_eq!(c.sent(), packet(0x10, &[&field(b"MQTT"), &[4, 0x80, 1, 2], &fields]));
}

#[test]
fn a_connect_that_cannot_be_written_waits_to_write() {
    let mut c = CSide::new();
    c.takes(5);
    assert_eq!(c.open(&connect(true)), UMQTT_DONE);
    assert_eq!(c.connect(&connect(true)), UMQTT_WAIT);
    assert_eq!(wants(&c), UMQTT_WANT_READ | UMQTT_WANT_WRITE);
    c.takes(100);
    assert_eq!(c.connect(&connect(true)), UMQTT_WAIT);
    assert_eq!(wants(&c), UMQTT_WANT_READ);
    assert_eq!(c.sent(), packet(0x10, &[&field(b"MQTT"), &[4, 2, 0, 60], &field(b"c")]));
}

#[test]
fn publish_at_each_qos_ends_with_its_answer() {
    let mut c = CSide::connected(true);
    assert_eq!(c.publish(b"t", b"p", 0), UMQTT_DONE);
    assert_eq!(c.sent(), publish(0x30, b"t", 0, b"p"));

    assert_eq!(c.publish(b"t", b"", 1), UMQTT_WAIT);
    let slot = u32::from(c.step.begun);
    assert_eq!((wants(&c), c.step.wait_ms, c.slots_in_use()), (UMQTT_WANT_READ, 1_000, 1 << slot));
    assert_eq!(c.sent(), publish(0x32, b"t", 1, b""));
    c.gives(&puback(1));
    assert_eq!(c.poll(slot), UMQTT_DONE);

    assert_eq!(c.publish(b"t", b"p", 2), UMQTT_WAIT);
    let slot = u32::from(c.step.begun);
    c.gives(&pubrec(2));
    assert_eq!(c.poll(slot), UMQTT_WAIT);
    assert_eq!(c.sent(), [publish(0x34, b"t", 2, b"p"), pubrel(2)].concat());
    c.gives(&pubcomp(2));
    assert_eq!(c.poll(slot), UMQTT_DONE);
    assert_eq!(c.slots_in_use(), 0);
}

#[test]
fn subscribe_and_unsubscribe_end_with_their_answers() {
    let mut c = CSide::connected(true);
    assert_eq!(c.subscribe(b"a/#", 2), UMQTT_WAIT);
    assert_eq!(c.sent(), packet(0x82, &[&[0, 1], &field(b"a/#"), &[2]]));
    c.gives(&suback(1, 2));
    assert_eq!(c.poll(u32::from(c.step.begun)), UMQTT_DONE);
    assert_eq!(c.unsubscribe(b"a/#"), UMQTT_WAIT);
    assert_eq!(c.sent(), packet(0xA2, &[&[0, 2], &field(b"a/#")]));
    c.gives(&unsuback(2));
    assert_eq!(c.poll(u32::from(c.step.begun)), UMQTT_DONE);
}

#[test]
fn a_packet_that_is_not_out_yet_is_asked_for_again() {
    let mut c = CSide::connected(true);
    let payload = numbered(5_000);
    c.takes(600);
    assert_eq!(c.publish(b"t", &payload, 0), UMQTT_WAIT);
    assert_eq!(wants(&c), UMQTT_WANT_READ | UMQTT_WANT_WRITE);
    let first = c.step.begun;
    assert_eq!(c.publish(b"second", b"2", 0), UMQTT_LEND);
    let second = c.step.begun;
    assert_eq!(c.step.slot, first, "the first has to leave before the second");
    c.takes(50_000);
    c.lends(b"t", &payload);
    assert_eq!(c.poll(u32::from(second)), UMQTT_LEND);
    assert_eq!(c.step.slot, second);
    c.lends(b"second", b"2");
    assert_eq!(c.poll(u32::from(second)), UMQTT_DONE);
    c.step.lends = false;
    assert_eq!(c.poll(u32::from(first)), UMQTT_DONE);
    assert!(c.sent() == [publish(0x30, b"t", 0, &payload), publish(0x30, b"second", 0, b"2")].concat());
}

#[test]
fn a_long_payload_goes_with_its_head_in_one_call_and_without_a_copy() {
    let mut c = CSide::connected(true);
    let payload = numbered(50_000);
    let writes = c.stream.writes;
    assert_eq!(c.publish(b"t", &payload, 0), UMQTT_DONE);
    assert_eq!(c.stream.writes, writes + 1);
    assert!(payload.as_ptr_range().contains(&c.stream.written_second));
    assert!(c.sent() == publish(0x30, b"t", 0, &payload));

    // What the stream did not take goes straight from the payload.
    c.takes(1_000);
    assert_eq!(c.publish(b"t", &payload, 0), UMQTT_WAIT);
    let slot = c.step.begun;
    c.takes(100_000 - 1_000);
    c.step.slot = slot;
    c.lends(b"t", &payload);
    assert_eq!(c.poll(u32::from(slot)), UMQTT_DONE);
    assert!(payload.as_ptr_range().contains(&c.stream.written_from));
}

#[test]
fn ping_is_done_with_pingresp_and_disconnect_when_it_has_left() {
    let mut c = CSide::connected(true);
    assert_eq!(c.ping(), UMQTT_DONE);
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
    c.gives(&PINGRESP);
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_DONE);
    assert_eq!(c.disconnect(), UMQTT_DONE);
    assert_eq!(c.poll(UMQTT_AWAIT_FLUSHED), UMQTT_DONE);
    assert_eq!(c.sent(), [PINGREQ, DISCONNECT].concat());
    c.gives(&numbered(3_000));
    assert_eq!(c.poll(UMQTT_AWAIT_END), UMQTT_WAIT);
    assert_eq!(c.stream.input_len, 0);
    c.close();
    assert!(!c.is_open());
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_NOT_CONNECTED);
}

#[test]
fn what_does_not_fit_is_full_and_can_be_awaited() {
    let mut c = CSide::connected(true);
    let mut slots = 0;
    let full = loop {
        match c.publish(b"t", b"", 1) {
            UMQTT_WAIT => slots += 1,
            other => break other,
        }
    };
    assert_eq!((full, slots), (UMQTT_FULL, umqtt::settings::IN_FLIGHT - 1));
    assert_eq!(c.poll(UMQTT_AWAIT_ROOM_FOR_MESSAGE), UMQTT_WAIT);
    c.abandon(0);
    c.gives(&puback(1));
    assert_eq!(c.poll(UMQTT_AWAIT_ROOM_FOR_MESSAGE), UMQTT_DONE);

    c.takes(0);
    while c.ping() == UMQTT_DONE {}
    assert_eq!(c.ping(), UMQTT_FULL);
    assert_eq!(c.disconnect(), UMQTT_FULL);
    assert_eq!(c.poll(UMQTT_AWAIT_OUTBOX), UMQTT_WAIT);
    assert_eq!(wants(&c), UMQTT_WANT_WRITE);
    // A few octets more do not make a place free yet; all of them do, before the next packet has left.
    c.takes(3);
    assert_eq!(c.poll(UMQTT_AWAIT_OUTBOX), UMQTT_WAIT);
    c.takes(1_000);
    assert_eq!(c.poll(UMQTT_AWAIT_OUTBOX), UMQTT_DONE);
    c.takes(0);
    assert_eq!(c.ping(), UMQTT_DONE);
    assert_eq!(c.poll(UMQTT_AWAIT_OUTBOX), UMQTT_DONE);
    assert_eq!(c.poll(UMQTT_AWAIT_FLUSHED), UMQTT_WAIT);
    assert_eq!(c.disconnect(), UMQTT_DONE);
}

// [MQTT-4.4.0-1]
#[test]
fn a_message_in_flight_is_asked_for_on_the_next_connection() {
    let mut c = CSide::connected(false);
    assert_eq!(c.publish(b"t", b"p", 1), UMQTT_WAIT);
    let slot = c.step.begun;
    c.close();
    assert_eq!(c.slots_in_use(), 1 << slot);
    c.sent();
    c.reconnect(false);
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_LEND);
    assert_eq!(c.step.slot, slot);
    c.lends(b"t", b"p");
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
    assert_eq!(c.sent(), publish(0x3A, b"t", 1, b"p"));
    c.step.lends = false;
    c.gives(&puback(1));
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
    assert_eq!(c.slots_in_use(), 0);
}

#[test]
fn who_enters_second_is_turned_away_and_the_first_goes_on() {
    let mut c = CSide::connected(true);
    c.stream.entered = c.state();
    assert_eq!(c.publish(b"t", b"p", 1), UMQTT_WAIT);
    assert_eq!(c.stream.status, i32::try_from(UMQTT_BUSY).expect("small"), "while writing");
    c.stream.status = -1;
    c.gives(&puback(1));
    assert_eq!(c.poll(u32::from(c.step.begun)), UMQTT_DONE);
    assert_eq!(c.stream.status, i32::try_from(UMQTT_BUSY).expect("small"), "while reading");
    assert_eq!(c.sent(), publish(0x32, b"t", 1, b"p"));
}

#[test]
fn a_step_that_may_not_read_does_not_and_a_short_read_is_the_last_where_it_drains() {
    let mut c = CSide::connected(true);
    c.stream.reads = 0;
    c.step.may_read = false;
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
    assert_eq!(c.stream.reads, 0);
    c.step.may_read = true;
    for (drains, reads) in [(true, 1), (false, 2)] {
        c.stream.reads = 0;
        c.stream.short_read_drains = drains;
        c.gives(&puback(9));
        assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
        assert_eq!(c.stream.reads, reads);
    }
}

#[cfg(feature = "quick")]
#[test]
fn puback_read_at_once_ends_its_exchange_and_anything_else_is_left_to_poll() {
    let mut c = CSide::connected(false);
    assert_eq!(c.publish(b"t", b"p", 1), UMQTT_WAIT);
    let slot = c.step.begun;
    assert_eq!(c.puback(slot), UMQTT_WAIT, "nothing came");
    c.gives(&puback(2));
    assert_eq!(c.puback(slot), UMQTT_WAIT, "another one came");
    assert_eq!(c.poll(slot.into()), UMQTT_WAIT);
    c.gives(&puback(1));
    assert_eq!((c.puback(slot), c.slots_in_use()), (UMQTT_DONE, 0));
    assert_eq!(c.puback(slot), UMQTT_WAIT, "nothing is under way");
    assert_eq!(c.puback(u8::MAX), UMQTT_WAIT, "no slot");

    assert_eq!(c.publish(b"t", b"p", 1), UMQTT_WAIT);
    let slot = c.step.begun;
    c.stream.entered = c.state();
    assert_eq!(c.puback(slot), UMQTT_WAIT);
    assert_eq!(c.stream.status, i32::try_from(UMQTT_BUSY).expect("small"), "while reading");
    c.stream.entered = std::ptr::null_mut();
    c.stream.when_empty = failed(104);
    assert_eq!((c.puback(slot), c.step.code), (UMQTT_STREAM_ERROR, 104));
    assert!(!c.is_open());
    assert_eq!(c.slots_in_use(), 1 << slot, "to be sent again");
}
