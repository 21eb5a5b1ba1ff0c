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

use umqtt::codec::{EncodeError, Window};

/// A packet of this length, encoded through windows of 1,000 octets.
fn encoded(packet_len: u32, encode: impl Fn(&mut Window) -> Result<(), EncodeError>) -> Vec<u8> {
    let mut octets = Vec::new();
    loop {
        let mut window: heapless::Vec<u8, 1_000> = heapless::Vec::new();
        let offset = u32::try_from(octets.len()).expect("a packet");
        encode(&mut Window::new(&mut window, offset)).expect("a packet that can be sent");
        if window.is_empty() {
            assert_eq!(offset, packet_len, "the length told is the length sent");
            return octets;
        }
        octets.extend_from_slice(&window);
    }
}
