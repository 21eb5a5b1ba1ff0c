//! PUBLISH, both ways, its topic and payload borrowed, see 3.3.

use super::error::DecodeError;
use super::outgoing::ControlPacket;
use super::topic::TopicName;
use super::types::{PacketIdentifier, QoS};
use super::wire::{Window, field, packet_identifier};

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
    /// Reads what follows the fixed header, whose first octet had these `flags`.
    ///
    /// # Errors
    /// [`DecodeError::Topic`] for what is no Topic Name, [`DecodeError::PacketIdentifier`] for identifier 0,
    /// [`DecodeError::Length`] if the fields are longer than `body`.
    pub fn decode(flags: u8, body: &'a [u8]) -> Result<Self, DecodeError> {
        let (body, topic) = field(body)?;
        let topic = TopicName::new(topic).map_err(|_| DecodeError::Topic)?;
        let (payload, identifier) =
            if flags & 0x06 == 0 { (body, PacketIdentifier::FIRST) } else { packet_identifier(body)? };
        let delivery = Delivery::new(flags, identifier);
        Ok(Publish { dup: flags & 0x08 != 0, delivery, retain: flags & 0x01 != 0, topic, payload })
    }
}

impl ControlPacket for Publish<'_> {
    fn first_octet(&self) -> u8 {
        0x30 | u8::from(self.dup) << 3 | (self.delivery.qos() as u8) << 1 | u8::from(self.retain)
    }

    /// The payload is the end of the packet.
    fn put_body(&self, window: &mut Window) {
        window.put_field(self.topic.octets());
        if let Some(identifier) = self.delivery.packet_identifier() {
            window.put_u16(identifier.get());
        }
        window.put(self.payload);
    }
}
