//! What the tests on the host share: a scripted stream, packets put together by hand, a caller who waits, a broker.
#![allow(dead_code, reason = "each test crate uses a part")]

pub mod broker;
pub mod caller;
pub mod encoding;
pub mod packets;
pub mod random;
pub mod reading;
pub mod stream;
pub mod wire;
