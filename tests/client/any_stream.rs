//! Whole conversations over streams that take and give arbitrary pieces and block when they like.

use umqtt::client::{Awaited, Step};
use umqtt::codec::QoS;

use super::support::caller::{Appetite, Caller, Received};
use super::support::packets::{field, numbered, packet, puback, pubcomp, publish, pubrec, pubrel, suback};
use super::support::random::{Random, pieces};
use super::support::stream::{Input, Output};
use super::{identifier, received};

/// Puts octets into the stream in pieces, some after a "would block".
fn give(caller: &mut Caller, octets: &[u8], random: &mut Random) {
    let longest = [1, 3, 10, 2_000][random.below(4)];
    for piece in pieces(octets, longest, random) {
        if random.one_in(3) {
            caller.stream.inputs.push_back(Input::WouldBlock);
        }
        caller.stream.gives(piece);
    }
}

/// The next writes take arbitrary pieces, or block.
fn unsettle(caller: &mut Caller, random: &mut Random) {
    for _ in 0..random.below(20) {
        let output = if random.one_in(3) { Output::WouldBlock } else { Output::Take(1 + random.below(50)) };
        caller.stream.outputs.push_back(output);
    }
}

/// Polls until this is there.
fn until(caller: &mut Caller, awaited: Awaited) {
    for _ in 0..20_000 {
        match caller.poll(awaited).expect("a connection") {
            Step::Done => return,
            other => assert!(matches!(other, Step::Wait(_)), "{other:?}"),
        }
    }
    panic!("{awaited:?} never comes");
}

/// One conversation: what the Server gets, octet for octet, and what the caller gets.
fn conversation(seed: u64) {
    let random = &mut Random::new(seed);
    let mut caller = Caller::connected(true);
    caller.stream.gathers = random.one_in(2);
    caller.stream.drains = false;
    caller.appetite = Appetite::Takes(1 + random.below(3_000));
    let (mut expected_out, mut expected_in) = (Vec::new(), Vec::new());
    let mut number = 0;
    for round in 0..10 {
        let topic = vec![b'a' + round; 1 + random.below(30)];
        let payload = numbered(random.below(1_500));
        // Messages of the Server before its answer.
        let mut come = Vec::new();
        let mut answers = Vec::new();
        for _ in 0..random.below(4) {
            let payload = numbered([random.below(20), random.below(3_000)][random.below(2)]);
            let incoming = 1_000 + u16::from(round) * 8 + u16::try_from(expected_in.len() % 8).expect("small");
            let delivery = match random.below(3) {
                0 => {
                    come.extend(publish(0x30, &topic, 0, &payload));
                    umqtt::codec::Delivery::AtMostOnce
                }
                1 => {
                    come.extend(publish(0x32, &topic, incoming, &payload));
                    answers.extend(puback(incoming));
                    umqtt::codec::Delivery::AtLeastOnce(identifier(incoming))
                }
                _ => {
                    come.extend(publish(0x34, &topic, incoming, &payload));
                    come.extend(pubrel(incoming));
                    answers.extend([pubrec(incoming), pubcomp(incoming)].concat());
                    umqtt::codec::Delivery::ExactlyOnce(identifier(incoming))
                }
            };
            expected_in.push(Received { delivery, ..received(&topic, &payload) });
        }
        unsettle(&mut caller, random);
        let kind = random.below(4);
        if kind > 0 {
            number += 1;
        }
        let (slot, step) = match kind {
            0 => {
                expected_out.extend(publish(0x30, &topic, 0, &payload));
                caller.publish(&topic, &payload, QoS::AtMostOnce)
            }
            1 => {
                expected_out.extend(publish(0x32, &topic, number, &payload));
                caller.publish(&topic, &payload, QoS::AtLeastOnce)
            }
            2 => {
                expected_out.extend(publish(0x34, &topic, number, &payload));
                caller.publish(&topic, &payload, QoS::ExactlyOnce)
            }
            _ => {
                expected_out.extend(packet(0x82, &[&number.to_be_bytes(), &field(&topic), &[1]]));
                caller.subscribe(&topic, QoS::AtLeastOnce)
            }
        }
        .expect("a connection");
        if step != Step::Done && kind == 0 {
            until(&mut caller, Awaited::Slot(slot));
        }
        until(&mut caller, Awaited::Flushed);
        expected_out.extend(answers);
        match kind {
            1 => come.extend(puback(number)),
            2 => {
                come.extend(pubrec(number));
                expected_out.extend(pubrel(number));
            }
            3 => come.extend(suback(number, 1)),
            _ => {}
        }
        unsettle(&mut caller, random);
        give(&mut caller, &come, random);
        if kind == 2 {
            give(&mut caller, &pubcomp(number), random);
        }
        if kind > 0 {
            until(&mut caller, Awaited::Slot(slot));
        } else {
            while !caller.stream.inputs.is_empty() {
                caller.poll(Awaited::Message).expect("a connection");
            }
        }
        until(&mut caller, Awaited::Flushed);
    }
    while !caller.stream.inputs.is_empty() {
        caller.poll(Awaited::Message).expect("a connection");
    }
    assert!(caller.stream.sent() == expected_out, "seed {seed}: what the Server got");
    assert!(caller.messages() == expected_in, "seed {seed}: what the caller got");
    assert_eq!(caller.client.slots_in_use(), 0);
}

#[test]
fn a_conversation_is_the_same_over_any_stream() {
    for seed in 0..300 {
        conversation(seed);
    }
}
