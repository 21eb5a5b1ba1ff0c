//! The model of `tests/model.rs`, with a fuzzer that chooses: each octet is a choice, of what the Server says, of what the
//! callers call, of how the stream cuts it and of when. When they have run out, the case comes to its end.
#![no_main]

#[path = "../model/mod.rs"]
mod model;
#[path = "../support/mod.rs"]
mod support;

use model::case;
use model::chance::Chance;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| case::run(Chance::of_octets(octets), None, None));
