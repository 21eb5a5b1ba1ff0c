//! Packets of the crate's own encoder, whole.

use umqtt::codec::{ControlPacket, Window, packet_len};

/// A packet, encoded through windows of `N` octets.
pub fn encoded_through<const N: usize>(packet: &impl ControlPacket) -> Vec<u8> {
    let remaining_length = packet.remaining_length().expect("a packet that can be sent");
    let mut octets = Vec::new();
    loop {
        let mut window: heapless::Vec<u8, N> = heapless::Vec::new();
        let offset = u32::try_from(octets.len()).expect("a packet");
        packet.put(remaining_length, &mut Window::new(&mut window, offset));
        if window.is_empty() {
            assert_eq!(offset, packet_len(remaining_length), "the length told is the length sent");
            return octets;
        }
        octets.extend_from_slice(&window);
    }
}

/// The same through windows of 1,000 octets.
pub fn encoded(packet: &impl ControlPacket) -> Vec<u8> {
    encoded_through::<1_000>(packet)
}
