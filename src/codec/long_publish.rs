//! A PUBLISH too long for the read buffer: its fields are filled one by one into memory that the caller lends.

use nom::number::complete::be_u16;

use super::error::DecodeError;
use super::publish::Delivery;
use super::types::PacketIdentifier;
use super::wire::{packet_identifier, whole};

/// The parts of a PUBLISH behind its fixed header, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The Topic Name.
    Topic,
    /// The Packet Identifier, at QoS 1 and 2.
    PacketIdentifier,
    /// The payload. All of it is there when [`LongPublish::missing`] is 0.
    Payload,
}

/// How far a long PUBLISH has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongPublish {
    flags: u8,
    field: Field,
    identifier: PacketIdentifier,
    topic_len: u16,
    payload_len: u32,
    /// Octets of the field in hand that have come.
    here: u32,
}

impl LongPublish {
    /// Begins with the flags and Remaining Length of the fixed header and what has come behind it: the state, and how many
    /// octets of `input` it took; `None` while the length of the topic is not there yet.
    ///
    /// # Errors
    /// [`DecodeError::Length`] if the fields cannot fill Remaining Length; [`DecodeError::Topic`] for an empty topic.
    pub fn read(flags: u8, remaining_length: u32, input: &[u8]) -> Result<Option<(Self, usize)>, DecodeError> {
        let Ok((_, topic_len)) = be_u16::<_, DecodeError>(input) else { return Ok(None) };
        if topic_len == 0 {
            return Err(DecodeError::Topic);
        }
        let identifier_len = if flags & 0x06 == 0 { 0 } else { 2 };
        let Some(payload_len) = remaining_length.checked_sub(2 + u32::from(topic_len) + identifier_len) else {
            return Err(DecodeError::Length);
        };
        let identifier = PacketIdentifier::FIRST;
        Ok(Some((LongPublish { flags, field: Field::Topic, identifier, topic_len, payload_len, here: 0 }, 2)))
    }

    /// The field in hand.
    #[must_use]
    pub const fn field(&self) -> Field {
        self.field
    }

    /// Octets of the field in hand that have come.
    #[must_use]
    pub const fn here(&self) -> u32 {
        self.here
    }

    /// Octets of the field in hand, once they are all there.
    #[must_use]
    pub const fn total(&self) -> u32 {
        match self.field {
            Field::Topic => self.topic_len as u32,
            Field::PacketIdentifier => 2,
            Field::Payload => self.payload_len,
        }
    }

    /// Octets of the field in hand that are still to come.
    #[must_use]
    pub const fn missing(&self) -> u32 {
        self.total() - self.here
    }

    /// Octets of the Topic Name.
    #[must_use]
    pub const fn topic_len(&self) -> usize {
        self.topic_len as usize
    }

    /// QoS and Packet Identifier, right from the payload on.
    #[must_use]
    pub const fn delivery(&self) -> Delivery {
        Delivery::new(self.flags, self.identifier)
    }

    /// Tells that `len` more octets of the field in hand have come, no more than are missing.
    pub fn came(&mut self, len: u32) {
        self.here += len.min(self.missing());
    }

    /// Goes on from a whole topic to the next field.
    pub fn topic_done(&mut self) {
        self.here = 0;
        self.field = if self.flags & 0x06 == 0 { Field::Payload } else { Field::PacketIdentifier };
    }

    /// Goes on to the payload, if `input` holds the Packet Identifier: how many octets of `input` it took, 0 or 2.
    ///
    /// # Errors
    /// [`DecodeError::PacketIdentifier`] for identifier 0.
    pub fn read_identifier(&mut self, input: &[u8]) -> Result<usize, DecodeError> {
        let Some(octets) = input.get(..2) else { return Ok(0) };
        self.identifier = whole(packet_identifier(octets))?;
        self.here = 0;
        self.field = Field::Payload;
        Ok(2)
    }
}
