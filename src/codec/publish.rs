//! PUBLISH, both ways, its topic and payload borrowed, see 3.3.

use nom::combinator::rest;

use super::error::{DecodeError, EncodeError};
use super::fixed_header::{REMAINING_LENGTH_MAX, packet_len, put_fixed_header};
use super::topic::TopicName;
use super::types::{PacketIdentifier, QoS};
use super::wire::{Window, field, field_len, packet_identifier, whole};

/// QoS of a message, with the Packet Identifier that it has at QoS 1 and 2 only [MQTT-2.3.1-1], [MQTT-2.3.1-5].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// QoS 0.
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce(PacketIdentifier),
    /// QoS 2.
    ExactlyOnce(PacketIdentifier),
}

impl Delivery {
    /// The QoS alone.
    #[must_use]
    pub const fn qos(self) -> QoS {
        match self {
            Delivery::AtMostOnce => QoS::AtMostOnce,
            Delivery::AtLeastOnce(_) => QoS::AtLeastOnce,
            Delivery::ExactlyOnce(_) => QoS::ExactlyOnce,
        }
    }

    /// The Packet Identifier alone.
    #[must_use]
    pub const fn packet_identifier(self) -> Option<PacketIdentifier> {
        match self {
            Delivery::AtMostOnce => None,
            Delivery::AtLeastOnce(identifier) | Delivery::ExactlyOnce(identifier) => Some(identifier),
        }
    }

    /// From the flags of a checked first octet and the identifier that follows the topic at QoS 1 and 2.
    pub(super) const fn new(flags: u8, identifier: PacketIdentifier) -> Self {
        match flags & 0x06 {
            0x00 => Delivery::AtMostOnce,
            0x02 => Delivery::AtLeastOnce(identifier),
            _ => Delivery::ExactlyOnce(identifier),
        }
    }
}

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Whether it may have been sent before [MQTT-3.3.1-1].
    pub dup: bool,
    /// Its QoS and Packet Identifier.
    pub delivery: Delivery,
    /// To the Server: keep it for future subscribers. From the Server: it was kept.
    pub retain: bool,
    /// Where it is published.
    pub topic: TopicName<'a>,
    /// What is published.
    pub payload: &'a [u8],
}

impl<'a> Publish<'a> {
    fn remaining_length(&self) -> Result<u32, EncodeError> {
        let identifier_len = if matches!(self.delivery, Delivery::AtMostOnce) { 0 } else { 2 };
        let payload_len = u32::try_from(self.payload.len()).map_err(|_| EncodeError::PacketTooLong)?;
        let len = (field_len(self.topic.octets())? + identifier_len).checked_add(payload_len);
        len.filter(|&len| len <= REMAINING_LENGTH_MAX).ok_or(EncodeError::PacketTooLong)
    }

    /// Octets of the whole packet. The payload is its end.
    ///
    /// # Errors
    /// [`EncodeError::PacketTooLong`] if Remaining Length would be over 268,435,455.
    pub fn packet_len(&self) -> Result<u32, EncodeError> {
        packet_len(self.remaining_length()?)
    }

    /// Writes the packet.
    ///
    /// # Errors
    /// Those of [`Publish::packet_len`], with nothing written.
    pub fn encode(&self, window: &mut Window) -> Result<(), EncodeError> {
        let remaining_length = self.remaining_length()?;
        let flags = u8::from(self.dup) << 3 | (self.delivery.qos() as u8) << 1 | u8::from(self.retain);
        put_fixed_header(window, 0x30 | flags, remaining_length);
        window.put_field(self.topic.octets());
        if let Some(identifier) = self.delivery.packet_identifier() {
            window.put_u16(identifier.get());
        }
        window.put(self.payload);
        Ok(())
    }

    /// Reads what follows the fixed header, whose first octet had these `flags`.
    ///
    /// # Errors
    /// [`DecodeError::Topic`] for what is no Topic Name, [`DecodeError::PacketIdentifier`] for identifier 0,
    /// [`DecodeError::Length`] if the fields are longer than `body`.
    pub fn decode(flags: u8, body: &'a [u8]) -> Result<Self, DecodeError> {
        let (body, topic) = field(body).map_err(|_| DecodeError::Length)?;
        let topic = TopicName::new(topic).map_err(|_| DecodeError::Topic)?;
        let (body, identifier) = if flags & 0x06 == 0 {
            (body, PacketIdentifier::FIRST)
        } else {
            match packet_identifier(body) {
                Ok(parsed) => parsed,
                Err(error) => return whole(Err(error)),
            }
        };
        let payload = whole(rest(body))?;
        let delivery = Delivery::new(flags, identifier);
        Ok(Publish { dup: flags & 0x08 != 0, delivery, retain: flags & 0x01 != 0, topic, payload })
    }
}
