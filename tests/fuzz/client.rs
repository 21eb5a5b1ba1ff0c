//! The client on a scripted stream, between a Server that sends what it likes and a caller who does what he likes.
//!
//! The input is a list of acts, see `act` in `client/driver.rs`: an octet for which, then its parameters. A model of
//! what the Server knows (`client/server.rs`) and of what the caller has to get (`client/messages.rs`) watches; `client/promises.rs` is what is asserted besides.
#![no_main]

#[path = "client/driver.rs"]
mod driver;
#[path = "client/messages.rs"]
mod messages;
#[path = "client/promises.rs"]
mod promises;
#[path = "client/server.rs"]
mod server;
#[path = "../support/mod.rs"]
mod support;
#[path = "client/tap.rs"]
mod tap;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| driver::Driver::new(octets).run());
