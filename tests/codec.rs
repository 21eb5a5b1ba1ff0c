//! Packets against octets written by hand, both ways: each truncation, each first octet, each boundary.

mod support;

#[path = "codec/boundaries.rs"]
mod boundaries;
#[path = "codec/incoming.rs"]
mod incoming;
#[path = "codec/outgoing.rs"]
mod outgoing;
#[path = "codec/pieces.rs"]
mod pieces;

use support::encoding::encoded;
