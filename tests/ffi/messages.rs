//! Messages through umqtt.h: in the client's buffer, in lent rooms, dropped, refused.

use super::bindings::{
    UMQTT_AWAIT_MESSAGE, UMQTT_BODY_BUFFERED, UMQTT_BODY_DROPPED, UMQTT_BODY_LENT, UMQTT_DONE, UMQTT_FIELD_PAYLOAD,
    UMQTT_FIELD_TOPIC, UMQTT_MESSAGE, UMQTT_ROOM, UMQTT_WAIT,
};
use super::c_side::CSide;
use super::support::packets::{numbered, puback, pubcomp, publish, pubrec, pubrel};

fn told(c: &CSide) -> (u32, u8, u16) {
    (u32::from(c.step.body), c.step.qos, c.step.packet_identifier)
}

#[test]
fn a_short_message_lies_in_the_clients_memory() {
    let mut c = CSide::connected(true);
    for (first, qos, answer) in [(0x30, 0, Vec::new()), (0x32, 1, puback(300)), (0x34, 2, pubrec(300))] {
        c.gives(&publish(first, b"topic", 300, b"payload"));
        assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_MESSAGE);
        assert_eq!(told(&c), (UMQTT_BODY_BUFFERED, qos, if qos == 0 { 0 } else { 300 }));
        assert!(c.is_inside(c.step.topic) && c.is_inside(c.step.payload));
        assert_eq!(c.message(), (b"topic".to_vec(), b"payload".to_vec()));
        c.taken();
        assert!(c.promise());
        c.delivered();
        assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
        assert_eq!(c.sent(), answer);
    }
    // It is the same message, to the shim that forgot to take it too.
    c.gives(&[publish(0x3C, b"topic", 300, b"payload"), pubrel(300)].concat());
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
    assert_eq!(c.sent(), [pubrec(300), pubcomp(300)].concat());
}

#[test]
fn an_empty_payload_is_no_octets_but_a_place() {
    let mut c = CSide::connected(true);
    c.gives(&publish(0x30, b"t", 0, b""));
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_MESSAGE);
    assert_eq!(c.step.payload.len, 0);
    assert!(!c.step.payload.data.is_null());
}

#[test]
fn a_long_message_fills_the_rooms_that_are_lent() {
    for most in [1, 100, usize::MAX] {
        let mut c = CSide::connected(true);
        c.stream.most = most;
        let topic = vec![b'a'; 1_000];
        let payload = numbered(5_000);
        c.gives(&publish(0x34, &topic, 7, &payload));
        let (mut fields, mut come) = (Vec::new(), Vec::new());
        let status = loop {
            match c.poll(UMQTT_AWAIT_MESSAGE) {
                UMQTT_ROOM => {
                    fields.push(u32::from(c.step.field));
                    let total = usize::try_from(c.step.total).expect("32 bits");
                    let (topic, payload) = (c.rooms().0.len(), c.rooms().1.len());
                    come.push(c.step.come);
                    if u32::from(c.step.field) == UMQTT_FIELD_TOPIC {
                        assert_eq!(total, 1_000 + 2, "with the Packet Identifier behind it");
                        c.room(total.min(topic + 700), payload);
                    } else {
                        assert_eq!(total, 5_000);
                        c.room(topic, total.min(payload + 700));
                    }
                }
                UMQTT_WAIT if c.stream.input_len > 0 => assert_eq!(c.step.wait_ms, 0, "there is more"),
                other => break other,
            }
        };
        assert_eq!(status, UMQTT_MESSAGE);
        assert_eq!(told(&c), (UMQTT_BODY_LENT, 2, 7));
        assert_eq!((c.step.topic.len, c.step.payload.len), (1_000, 5_000));
        assert!((&c.rooms().0[..1_000], c.rooms().1) == (&topic[..], &payload));
        let expected = [vec![UMQTT_FIELD_TOPIC; 2], vec![UMQTT_FIELD_PAYLOAD; 8]].concat();
        assert_eq!(fields, expected);
        if most == usize::MAX {
            // What of the buffer lies behind the fixed header and the length of the topic, first in the buffer, then in part in
            // the room; of the payload, then, what is in the room.
            assert_eq!(come, [763, 763, 0, 700, 1_400, 2_100, 2_800, 3_500, 4_200, 4_900]);
        }
        c.taken();
        assert!(c.promise());
        c.delivered();
        assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
        assert_eq!(c.sent(), pubrec(7));
    }
}

#[test]
fn a_long_message_can_be_dropped_or_refused() {
    let octets = publish(0x32, b"t", 7, &numbered(5_000));
    let mut c = CSide::connected(true);
    c.gives(&octets);
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_ROOM);
    c.drop_message();
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_MESSAGE);
    assert_eq!(told(&c), (UMQTT_BODY_DROPPED, 1, 7));
    assert_eq!((c.step.topic.len, c.step.payload.len), (1, 5_000), "as long as it was");
    c.taken();
    assert!(c.promise());
    c.delivered();

    c.gives(&octets);
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_ROOM);
    assert_eq!(c.sent(), puback(7));
    c.refuse_message();
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
    assert_eq!((c.sent(), c.is_open()), (vec![], true));
}

#[test]
fn a_message_without_a_place_for_its_acknowledgement_is_not_handed_over() {
    let mut c = CSide::connected(true);
    c.gives(&publish(0x32, b"t", 7, b""));
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_MESSAGE);
    c.taken();
    c.takes(0);
    while c.ping() == UMQTT_DONE {}
    assert!(!c.promise());
    c.takes(1_000);
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
    assert!(c.promise());
    c.takes(0);
    while c.ping() == UMQTT_DONE {}
    c.takes(1_000);
    c.delivered();
    assert_eq!(c.poll(UMQTT_AWAIT_MESSAGE), UMQTT_WAIT);
    assert!(c.sent().ends_with(&puback(7)));
}

#[test]
fn a_stream_that_tells_of_more_octets_than_there_was_room_for_does_no_harm() {
    let mut c = CSide::connected(true);
    c.stream.lies = 5_000;
    c.gives(&publish(0x30, b"t", 0, b"p"));
    let status = c.poll(UMQTT_AWAIT_MESSAGE);
    // What follows the message in the buffer was never sent: it is whatever it is, but it is the buffer's.
    assert_eq!(status, UMQTT_MESSAGE);
    assert!(c.is_inside(c.step.topic) && c.is_inside(c.step.payload));
    assert_eq!(c.message(), (b"t".to_vec(), b"p".to_vec()));
    for _ in 0..10 {
        c.poll(UMQTT_AWAIT_MESSAGE);
        c.publish(b"t", b"p", 1);
    }
}
