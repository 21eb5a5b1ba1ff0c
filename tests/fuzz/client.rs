//! The model of `tests/model.rs`, with a fuzzer that chooses: each octet is a choice, of what the Server says, of what the
//! callers call, of how the stream cuts it and of when. When they have run out, the case comes to its end.
//!
//! With STORY in the environment it tells what happens.
#![no_main]

mod drawn;
#[path = "../model/mod.rs"]
mod model;
#[path = "../support/mod.rs"]
mod support;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};

use model::case;
use model::chance::Chance;
use support::random;

fn tells(octets: &[u8]) {
    let story = RefCell::new(Vec::new());
    // libFuzzer's own ends the process at once.
    let hook = take_hook();
    set_hook(Box::new(|panic| eprintln!("{panic}")));
    let told = catch_unwind(AssertUnwindSafe(|| case::run(Chance::of_octets(octets), None, Some(&story))));
    set_hook(hook);
    eprintln!("{}", story.into_inner().join("\n"));
    if let Err(panic) = told {
        resume_unwind(panic);
    }
}

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if std::env::var_os("STORY").is_some() {
        tells(octets);
    } else {
        drawn::with_others(octets, |octets| case::run(Chance::of_octets(octets), None, None));
    }
});
