//! SUBSCRIBE and UNSUBSCRIBE out, SUBACK in, see 3.8 to 3.10. UNSUBACK is an identifier alone, see `packet`.

use super::error::DecodeError;
use super::outgoing::ControlPacket;
use super::topic::TopicFilter;
use super::types::{PacketIdentifier, QoS};
use super::wire::{Window, packet_identifier};

/// Asks for the messages that match one Topic Filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// Names the exchange.
    pub packet_identifier: PacketIdentifier,
    /// What is asked for.
    pub filter: TopicFilter<'a>,
    /// The highest QoS at which the Server may send them.
    pub qos: QoS,
}

impl ControlPacket for Subscribe<'_> {
    /// The flags are 0010 [MQTT-3.8.1-1].
    fn first_octet(&self) -> u8 {
        0x82
    }

    fn put_body(&self, window: &mut Window) {
        window.put_u16(self.packet_identifier.get());
        window.put_field(self.filter.octets());
        window.put(&[self.qos as u8]);
    }
}

/// Asks for no more messages that match one Topic Filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// Names the exchange.
    pub packet_identifier: PacketIdentifier,
    /// The filter of the subscription, octet for octet [MQTT-3.10.4-1].
    pub filter: TopicFilter<'a>,
}

impl ControlPacket for Unsubscribe<'_> {
    /// The flags are 0010 [MQTT-3.10.1-1].
    fn first_octet(&self) -> u8 {
        0xA2
    }

    fn put_body(&self, window: &mut Window) {
        window.put_u16(self.packet_identifier.get());
        window.put_field(self.filter.octets());
    }
}

/// The Server's answer to SUBSCRIBE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suback {
    /// Names the exchange.
    pub packet_identifier: PacketIdentifier,
    /// The QoS that the Server grants, or `None` for its refusal, 0x80.
    pub granted: Option<QoS>,
}

impl Suback {
    /// Reads what follows the fixed header.
    ///
    /// # Errors
    /// [`DecodeError::SubackReturnCode`] for a reserved return code [MQTT-3.9.3-2], [`DecodeError::PacketIdentifier`] for
    /// identifier 0, [`DecodeError::Length`] for any other length than 3.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let (code, packet_identifier) = packet_identifier(body)?;
        let &[code] = code else { return Err(DecodeError::Length) };
        let granted = match (QoS::new(code), code) {
            (None, 0x80) => None,
            (None, _) => return Err(DecodeError::SubackReturnCode),
            (granted, _) => granted,
        };
        Ok(Suback { packet_identifier, granted })
    }
}
