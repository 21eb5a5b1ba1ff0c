//! The client on any pieces of what a Server sends: the caller and the Server see no difference.

use proptest::collection::vec;
use proptest::prelude::*;
use umqtt::client::{Awaited, Error, Step};
use umqtt::settings::RX_BUFFER;

use super::support::caller::{Appetite, Caller, Received};
use super::support::packets::{self, numbered};
use super::support::stream::{Fault, Input};
use super::values::config;

/// Any packet that a Server may send after CONNACK, long and short ones.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let lens = prop_oneof![0..40_usize, RX_BUFFER.saturating_sub(40)..RX_BUFFER + 10, 1_000..3_000_usize];
    let message = (0..3_u8, 1..4_u16, 1..40_usize, lens).prop_map(|(qos, identifier, topic_len, len)| {
        packets::publish(0x30 | qos << 1, &vec![b't'; topic_len], identifier, &numbered(len))
    });
    prop_oneof![
        6 => message,
        2 => (1..4_u16).prop_map(packets::pubrel),
        1 => (1..4_u16).prop_map(packets::puback),
        1 => (1..4_u16).prop_map(packets::pubrec),
        1 => (1..4_u16).prop_map(|identifier| packets::suback(identifier, 0)),
        1 => Just(packets::PINGRESP.to_vec()),
    ]
}

/// What caller and Server see of a connection on which this comes.
fn seen(inputs: Vec<Input>, appetite: usize, drains: bool) -> (Vec<Received>, Vec<u8>, Option<Error<Fault>>) {
    let mut caller = Caller::connected(true);
    caller.appetite = Appetite::Takes(appetite);
    caller.stream.drains = drains;
    caller.stream.inputs.extend(inputs);
    let mut end = None;
    while !caller.stream.inputs.is_empty() && end.is_none() {
        end = caller.poll(Awaited::Message).inspect(|step| assert!(matches!(step, Step::Wait(_)), "{step:?}")).err();
    }
    (caller.messages(), caller.stream.sent(), end)
}

/// One piece after the other, of these lengths in turn; before those of length 0, the stream would block.
fn in_pieces(octets: &[u8], lens: &[usize]) -> Vec<Input> {
    let mut rest = octets;
    let mut inputs = Vec::new();
    for &len in lens.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        if len == 0 {
            inputs.push(Input::WouldBlock);
        }
        let (piece, after) = rest.split_at(len.max(1).min(rest.len()));
        inputs.push(Input::Octets(piece.to_vec()));
        rest = after;
    }
    inputs
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn any_pieces_of_what_a_server_sends_come_to_the_same(
        packets in vec(packet(), 1..12),
        lens in vec(prop_oneof![0..4_usize, 0..50_usize, 0..2_000_usize], 1..20),
        appetite in 1..4_000_usize,
        drains in any::<bool>(),
    ) {
        let octets = packets.concat();
        let whole = seen(vec![Input::Octets(octets.clone())], 4_000, false);
        prop_assert_eq!(whole.2, None);
        prop_assert!(seen(in_pieces(&octets, &lens), appetite, drains) == whole);
    }

    #[test]
    fn an_error_of_the_server_comes_to_the_same_in_any_pieces(
        packets in vec(packet(), 1..8),
        lens in vec(prop_oneof![0..4_usize, 0..50_usize, 0..2_000_usize], 1..20),
        place in any::<prop::sample::Index>(),
        mask in 1_u8..,
    ) {
        let mut octets = packets.concat();
        let place = place.index(octets.len());
        octets[place] ^= mask;
        let whole = seen(vec![Input::Octets(octets.clone())], 4_000, false);
        prop_assert!(seen(in_pieces(&octets, &lens), 1_000, false) == whole);
    }
}
