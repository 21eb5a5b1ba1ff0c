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

use umqtt::codec::{ControlPacket, Window, packet_len};

/// A packet, encoded through windows of 1,000 octets.
fn encoded(packet: &impl ControlPacket) -> Vec<u8> {
    let remaining_length = packet.remaining_length().expect("a packet that can be sent");
    let mut octets = Vec::new();
    loop {
        let mut window: heapless::Vec<u8, 1_000> = heapless::Vec::new();
        let offset = u32::try_from(octets.len()).expect("a packet");
        packet.put(remaining_length, &mut Window::new(&mut window, offset));
        if window.is_empty() {
            assert_eq!(offset, packet_len(remaining_length), "the length told is the length sent");
            return octets;
        }
        octets.extend_from_slice(&window);
    }
}
