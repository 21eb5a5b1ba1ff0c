//! All that a Server may send, and the two packets that are nothing but a fixed header.

use super::ack::{Ack, AckType};
use super::connect::Connack;
use super::error::DecodeError;
use super::fixed_header::PacketType;
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
    /// Reads what follows the fixed header.
    ///
    /// # Errors
    /// Those of the packet in question.
    pub fn decode(packet_type: PacketType, body: &'a [u8]) -> Result<Self, DecodeError> {
        let ack_type = match packet_type {
            PacketType::Publish { flags } => return Ok(Packet::Publish(Publish::decode(flags, body)?)),
            PacketType::Connack => return Ok(Packet::Connack(Connack::decode(body)?)),
            PacketType::Suback => return Ok(Packet::Suback(Suback::decode(body)?)),
            PacketType::Unsuback => return Ok(Packet::Unsuback(only_packet_identifier(body)?)),
            PacketType::Pingresp if body.is_empty() => return Ok(Packet::Pingresp),
            PacketType::Pingresp => return Err(DecodeError::Length),
            PacketType::Puback => AckType::Puback,
            PacketType::Pubrec => AckType::Pubrec,
            PacketType::Pubrel => AckType::Pubrel,
            PacketType::Pubcomp => AckType::Pubcomp,
        };
        Ok(Packet::Ack(Ack { ack_type, packet_identifier: only_packet_identifier(body)? }))
    }
}
