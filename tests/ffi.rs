//! The functions of umqtt.h as C calls them, over the stand-in for the shim in tests/shim: `cargo test --features
//! micropython`.
#![cfg(feature = "micropython")]

#[path = "ffi/c_side.rs"]
mod c_side;
#[path = "ffi/exchanges.rs"]
mod exchanges;
#[path = "ffi/layout.rs"]
mod layout;
#[path = "ffi/messages.rs"]
mod messages;
#[path = "ffi/statuses.rs"]
mod statuses;

mod support;

/// The types and constants of umqtt.h and umqtt_shim.h. The crate keeps its own to itself.
mod bindings {
    #![allow(missing_docs, non_camel_case_types, non_snake_case, non_upper_case_globals, dead_code)]
    #![allow(clippy::all, clippy::pedantic, reason = "generated, not written")]
    #![allow(
        clippy::undocumented_unsafe_blocks,
        clippy::multiple_unsafe_ops_per_block,
        reason = "generated, not written"
    )]
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}
