//! SUBSCRIBE and UNSUBSCRIBE out, SUBACK in, see 3.8 to 3.10. UNSUBACK is an identifier alone, see `packet`.

use nom::Parser;
use nom::number::complete::u8 as octet;

use super::error::{DecodeError, EncodeError};
use super::fixed_header::{packet_len, put_fixed_header};
use super::topic::TopicFilter;
use super::types::{PacketIdentifier, QoS};
use super::wire::{Window, field_len, packet_identifier, whole};

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

impl Subscribe<'_> {
    fn remaining_length(&self) -> Result<u32, EncodeError> {
        Ok(2 + field_len(self.filter.octets())? + 1)
    }

    /// Octets of the whole packet.
    ///
    /// # Errors
    /// None in fact: a [`TopicFilter`] always fits.
    pub fn packet_len(&self) -> Result<u32, EncodeError> {
        packet_len(self.remaining_length()?)
    }

    /// Writes the packet; its flags are 0010 [MQTT-3.8.1-1].
    ///
    /// # Errors
    /// Those of [`Subscribe::packet_len`].
    pub fn encode(&self, window: &mut Window) -> Result<(), EncodeError> {
        put_fixed_header(window, 0x82, self.remaining_length()?);
        window.put_u16(self.packet_identifier.get());
        window.put_field(self.filter.octets());
        window.put(&[self.qos as u8]);
        Ok(())
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

impl Unsubscribe<'_> {
    fn remaining_length(&self) -> Result<u32, EncodeError> {
        Ok(2 + field_len(self.filter.octets())?)
    }

    /// Octets of the whole packet.
    ///
    /// # Errors
    /// None in fact: a [`TopicFilter`] always fits.
    pub fn packet_len(&self) -> Result<u32, EncodeError> {
        packet_len(self.remaining_length()?)
    }

    /// Writes the packet; its flags are 0010 [MQTT-3.10.1-1].
    ///
    /// # Errors
    /// Those of [`Unsubscribe::packet_len`].
    pub fn encode(&self, window: &mut Window) -> Result<(), EncodeError> {
        put_fixed_header(window, 0xA2, self.remaining_length()?);
        window.put_u16(self.packet_identifier.get());
        window.put_field(self.filter.octets());
        Ok(())
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
        let (packet_identifier, code) = whole((packet_identifier, octet).parse(body))?;
        let granted = match (QoS::new(code), code) {
            (None, 0x80) => None,
            (None, _) => return Err(DecodeError::SubackReturnCode),
            (granted, _) => granted,
        };
        Ok(Suback { packet_identifier, granted })
    }
}
