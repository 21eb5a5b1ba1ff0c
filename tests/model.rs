//! The client as the C side drives it: threads that call methods at random, callbacks that call methods, a Server that does
//! all that the standard lets it do, in any pieces and at any time. A model knows what has to come of it.
//!
//! MODEL_CASES says how many cases there are, SEED which is the first.

#[path = "model/mod.rs"]
mod model;
mod support;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use model::case;
use model::chance::Chance;

/// Cases of a run by default.
const CASES: u64 = 200;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect(name))
}

/// Runs a case, with at most so many calls: what is wrong, if something is.
fn run(seed: u64, calls: Option<usize>, story: Option<&RefCell<Vec<String>>>) -> Result<(), String> {
    let told = catch_unwind(AssertUnwindSafe(|| case::run(Chance::seeded(seed), calls, story)));
    told.map_err(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map_or_else(|_| "?".to_owned(), |text| (*text).to_owned()),
    })
}

/// Tells how a case fails: with as few calls of methods as it takes.
fn story(seed: u64) -> String {
    let calls = (0..200).find(|&calls| run(seed, Some(calls), None).is_err());
    let story = RefCell::new(Vec::new());
    let told = run(seed, calls, Some(&story));
    let story = story.into_inner();
    let lines = &story[story.len().saturating_sub(150).max(1)..];
    format!("{}\n{}\nseed {seed}, {calls:?} calls: {told:?}", story[0], lines.join("\n"))
}

#[test]
fn whatever_the_server_and_the_callers_do_each_call_ends_and_nothing_is_lost() {
    let first = number("SEED", 1);
    let cases = number("MODEL_CASES", CASES);
    let most = number("MODEL_FAILURES", 1);
    println!("{cases} cases, seed {first}");
    let mut failures = Vec::new();
    // A case that fails is run again and again.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for seed in (0..cases).map(|case| first.wrapping_add(case)) {
        if let Err(text) = run(seed, None, None) {
            println!("seed {seed}: {text}");
            failures.push(seed);
        }
        if failures.len() as u64 >= most {
            break;
        }
    }
    let story = failures.first().map(|&seed| story(seed)).unwrap_or_default();
    std::panic::set_hook(hook);
    assert!(failures.is_empty(), "{story}\n{} cases fail", failures.len());
}
