//! What all packets with fields have in common on their way out: octets and length come from one description.

use heapless::Vec;

use super::connect::Connect;
use super::error::EncodeError;
use super::fixed_header::{REMAINING_LENGTH_MAX, put_fixed_header};
use super::publish::Publish;
use super::subscribe::{Subscribe, Unsubscribe};
use super::wire::Window;

/// A packet that the Client sends.
pub trait ControlPacket {
    /// Packet type and flags, see 2.2.
    fn first_octet(&self) -> u8;

    /// Writes what follows the fixed header.
    fn put_body(&self, window: &mut Window);

    /// Octets that follow the fixed header: written into a window without room, which only counts them.
    ///
    /// # Errors
    /// [`EncodeError::FieldTooLong`] for a string or binary field over 65,535 octets; [`EncodeError::PacketTooLong`] for
    /// more than 268,435,455 octets.
    fn remaining_length(&self) -> Result<u32, EncodeError> {
        let mut no_room: Vec<u8, 0> = Vec::new();
        let mut window = Window::new(&mut no_room, 0);
        self.put_body(&mut window);
        window
            .counted()
            .and_then(|len| if len > REMAINING_LENGTH_MAX { Err(EncodeError::PacketTooLong) } else { Ok(len) })
    }

    /// Writes the packet, whose Remaining Length is known.
    fn put(&self, remaining_length: u32, window: &mut Window) {
        put_fixed_header(window, self.first_octet(), remaining_length);
        self.put_body(window);
    }
}

/// Octets of a whole packet: the first one, one for each seven bits of Remaining Length, and those that it counts.
#[must_use]
pub const fn packet_len(remaining_length: u32) -> u32 {
    let fixed_header_len = match remaining_length {
        0..=127 => 2,
        128..=16_383 => 3,
        16_384..=2_097_151 => 4,
        _ => 5,
    };
    fixed_header_len + remaining_length
}

/// Any packet with fields.
#[derive(Debug, Clone, Copy)]
pub enum OutgoingPacket<'a> {
    /// The first one of a connection.
    Connect(&'a Connect<'a>),
    /// A message.
    Publish(Publish<'a>),
    /// Asks for messages.
    Subscribe(Subscribe<'a>),
    /// Asks for no more of them.
    Unsubscribe(Unsubscribe<'a>),
}

impl<'a> OutgoingPacket<'a> {
    /// What of the packet's end need not be copied to be sent.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        match self {
            OutgoingPacket::Publish(packet) => packet.payload,
            _ => &[],
        }
    }
}

impl ControlPacket for OutgoingPacket<'_> {
    fn first_octet(&self) -> u8 {
        match self {
            OutgoingPacket::Connect(packet) => packet.first_octet(),
            OutgoingPacket::Publish(packet) => packet.first_octet(),
            OutgoingPacket::Subscribe(packet) => packet.first_octet(),
            OutgoingPacket::Unsubscribe(packet) => packet.first_octet(),
        }
    }

    fn put_body(&self, window: &mut Window) {
        match self {
            OutgoingPacket::Connect(packet) => packet.put_body(window),
            OutgoingPacket::Publish(packet) => packet.put_body(window),
            OutgoingPacket::Subscribe(packet) => packet.put_body(window),
            OutgoingPacket::Unsubscribe(packet) => packet.put_body(window),
        }
    }
}
