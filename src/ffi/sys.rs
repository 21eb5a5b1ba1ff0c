//! The generated bindings, and nothing else.
//!
//! `build.rs` has bindgen write them from `cmodule/bindings.h`, with the flags of the MicroPython build at hand. What
//! may come through is the allow-list in `build.rs`.
#![allow(missing_docs, reason = "the C headers document these names")]
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals, reason = "the names are C's")]
#![allow(dead_code, reason = "which MP_E* constants exist differs from port to port")]
#![allow(clippy::all, clippy::pedantic, reason = "generated, not written")]
#![allow(clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block, reason = "generated, not written")]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
