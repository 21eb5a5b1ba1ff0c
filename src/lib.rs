//! MQTT 3.1.1 for MicroPython: a client that never waits on its own, never allocates and cannot panic.
//!
//! Five layers, each of which knows only those before it:
//!
//! | layer | what it does |
//! | --- | --- |
//! | [`codec`] | octets to values and back: no state, clock or stream |
//! | [`session`] | what a packet means now: identifiers, acknowledgements, deadlines; time is handed in |
//! | [`client`] | a session on a stream of octets, in steps that never wait |
//! | `ffi` | the same for C, over bindings to one MicroPython tree (feature `micropython`) |
//! | `cmodule` | C: the Python class, which waits, runs the callback and raises |
//!
//! A message out goes `cmodule` -> `ffi` -> `client` -> `session` (slot, Packet Identifier) -> `codec` (octets) -> stream; one
//! that comes in goes the other way as a [`client::Step`].
#![no_std]
#![cfg_attr(not(feature = "micropython"), forbid(unsafe_code))]
#![deny(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod client;
pub mod codec;
pub mod session;

#[cfg(feature = "micropython")]
#[allow(unsafe_code)]
pub mod ffi;

/// Capacities, set when building: `UMQTT_RX_BUFFER`, `UMQTT_IN_FLIGHT`, `UMQTT_INCOMING` and `UMQTT_WINDOW` in the environment.
pub mod settings {
    include!(concat!(env!("OUT_DIR"), "/settings.rs"));
}
