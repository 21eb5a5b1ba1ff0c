//! The reader with octets that come in arbitrary pieces, and with octets that mean nothing.

use umqtt::codec::DecodeError;

use super::support::packets::{numbered, pingresp_and_others, publish};
use super::support::random::{Random, pieces};
use super::support::reading;

/// What a reader makes of octets in these pieces: every packet, or the error.
fn read<const N: usize>(pieces: &[&[u8]]) -> Result<Vec<String>, DecodeError> {
    let (told, end) = reading::read::<N>(pieces);
    end.map(|()| told)
}

#[test]
fn any_pieces_give_the_same_packets_through_any_buffer() {
    let stream = [
        pingresp_and_others(),
        publish(0x30, b"long", 0, &numbered(1_000)),
        publish(0x32, &vec![b'l'; 700], 77, b""),
        publish(0x35, &vec![b'm'; 300], 78, &numbered(300)),
        publish(0x30, b"s", 0, b"short"),
        publish(0x3C, b"long again", 65_535, &numbered(2_000)),
        pingresp_and_others(),
    ]
    .concat();
    let whole = read::<5_000>(&[&stream]).expect("well formed");
    assert_eq!(whole.len(), 5 + 2 * 5);
    let mut random = Random::new(1);
    for longest in [1, 2, 3, 7, 40, 1_000, 5_000] {
        for _ in 0..20 {
            let pieces = pieces(&stream, longest, &mut random);
            assert_eq!(read::<16>(&pieces).as_ref(), Ok(&whole), "16 octets");
            assert_eq!(read::<300>(&pieces).as_ref(), Ok(&whole), "300 octets");
        }
    }
}

#[test]
fn octets_changed_at_random_are_an_error_or_packets_but_never_a_panic() {
    let stream = [pingresp_and_others(), publish(0x34, b"topic", 7, &numbered(60)), pingresp_and_others()].concat();
    let mut random = Random::new(2);
    let (mut errors, mut whole) = (0, 0);
    for _ in 0..20_000 {
        let mut octets = stream.clone();
        for _ in 0..=random.below(3) {
            let place = random.below(octets.len());
            octets[place] = if random.one_in(2) { random.octet() } else { octets[place] ^ 1 << random.below(8) };
        }
        octets.truncate(1 + random.below(octets.len()));
        match read::<16>(&pieces(&octets, 40, &mut random)) {
            Ok(told) => whole += usize::from(told.len() > 5),
            Err(_) => errors += 1,
        }
    }
    assert!(errors > 1_000 && whole > 1_000, "{errors} errors, {whole} with more than five packets");
}

#[test]
fn an_error_in_a_stream_comes_after_the_packets_before_it_however_it_is_cut() {
    let stream = [pingresp_and_others(), vec![0x32, 5, 0, 1, b't', 0, 0], pingresp_and_others()].concat();
    let mut random = Random::new(3);
    for longest in 1..30 {
        assert_eq!(read::<16>(&pieces(&stream, longest, &mut random)), Err(DecodeError::PacketIdentifier));
    }
}

#[test]
fn a_long_message_with_wrong_fields_is_refused_as_soon_as_they_are_there() {
    let refused = |octets: &[u8]| read::<16>(&[octets]).expect_err("refused");
    // Remaining Length 100: topic of 99 octets, of none, and one that leaves half an identifier.
    assert_eq!(refused(&[0x30, 100, 0, 99]), DecodeError::Length);
    assert_eq!(refused(&[0x30, 100, 0, 0]), DecodeError::Topic);
    assert_eq!(refused(&[0x32, 100, 0, 97]), DecodeError::Length);
    assert_eq!(refused(&[&[0x32, 100, 0, 2, b'a', b'b', 0, 0][..], &[0; 94]].concat()), DecodeError::PacketIdentifier);
    // All but the longest possible topic is a payload.
    assert_eq!(read::<16>(&[&[0x30, 100, 0, 98]]), Ok(Vec::new()));
    assert_eq!(read::<16>(&[&[0x32, 100, 0, 96]]), Ok(Vec::new()));
}

#[test]
fn other_packets_longer_than_the_buffer_are_refused() {
    for first in [0x20, 0x40, 0x90, 0xB0, 0xD0] {
        assert_eq!(read::<16>(&[&[first, 0x80, 0x01]]), Err(DecodeError::Length), "{first:#x}");
    }
}
