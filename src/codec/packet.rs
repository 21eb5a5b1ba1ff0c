//! All that a Server may send, and the two packets that are nothing but a fixed header.

use super::ack::{Ack, AckType};
use super::connect::Connack;
use super::error::DecodeError;
use super::publish::Publish;
use super::subscribe::Suback;
use super::types::PacketIdentifier;
use super::wire::only_packet_identifier;

/// PINGREQ, see 3.12.
pub const PINGREQ: [u8; 2] = [0xC0, 0];

/// DISCONNECT, see 3.14.
pub const DISCONNECT: [u8; 2] = [0xE0, 0];

/// One packet from the Server, well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Answers CONNECT.
    Connack(Connack),
    /// A message.
    Publish(Publish<'a>),
    /// PUBACK, PUBREC, PUBREL or PUBCOMP.
    Ack(Ack),
    /// Answers SUBSCRIBE.
    Suback(Suback),
    /// Answers UNSUBSCRIBE.
    Unsuback(PacketIdentifier),
    /// Answers PINGREQ.
    Pingresp,
}

impl<'a> Packet<'a> {
    /// Reads what follows the fixed header, whose first octet was `first`.
    ///
    /// # Errors
    /// Those of the packet in question.
    pub fn decode(first: u8, body: &'a [u8]) -> Result<Self, DecodeError> {
        let ack_type = match first {
            0x20 => return Ok(Packet::Connack(Connack::decode(body)?)),
            0x30..=0x3F => return Ok(Packet::Publish(Publish::decode(first & 0x0F, body)?)),
            0x90 => return Ok(Packet::Suback(Suback::decode(body)?)),
            0xB0 => return Ok(Packet::Unsuback(only_packet_identifier(body)?)),
            0xD0 if body.is_empty() => return Ok(Packet::Pingresp),
            0x40 => AckType::Puback,
            0x50 => AckType::Pubrec,
            0x62 => AckType::Pubrel,
            0x70 => AckType::Pubcomp,
            _ => return Err(DecodeError::Length),
        };
        Ok(Packet::Ack(Ack { ack_type, packet_identifier: only_packet_identifier(body)? }))
    }
}
