//! The reader: octets in arbitrary pieces give the packets, the long messages and the error that they give in one piece.
//!
//! The first octet seeds where the others are cut.
#![no_main]

mod drawn;
#[path = "../support/random.rs"]
#[allow(dead_code)]
mod random;
#[path = "../support/reading.rs"]
mod reading;

use random::{Random, pieces};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| drawn::with_others(octets, cut));

fn cut(octets: &[u8]) {
    let Some((&seed, octets)) = octets.split_first() else { return };
    alike::<16>(octets, seed);
    alike::<64>(octets, seed);
    alike::<768>(octets, seed);
}

/// Through a buffer of `N` octets.
fn alike<const N: usize>(octets: &[u8], seed: u8) {
    let whole = reading::read::<N>(&[octets]);
    let singles: Vec<&[u8]> = octets.chunks(1).collect();
    assert_eq!(reading::read::<N>(&singles), whole, "octet by octet");
    let random = &mut Random::new(seed.into());
    let longest = 1 + random.below(40);
    assert_eq!(reading::read::<N>(&pieces(octets, longest, random)), whole, "in pieces of up to {longest}");
}
