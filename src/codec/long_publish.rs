//! A PUBLISH too long for the read buffer: its fields are filled one by one into memory that the caller lends.

use super::error::DecodeError;
use super::publish::Delivery;
use super::topic::Scan;
use super::types::PacketIdentifier;

/// The parts of a PUBLISH behind its fixed header, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The Topic Name, and at QoS 1 and 2 the Packet Identifier behind it.
    Topic,
    /// The payload. All of it is there when [`LongPublish::missing`] is 0.
    Payload,
}

/// How far a long PUBLISH has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongPublish {
    flags: u8,
    field: Field,
    topic_len: u16,
    /// The last two octets that came before the payload: in the end the Packet Identifier, where there is one.
    last_two: u16,
    payload_len: u32,
    /// Octets of the field in hand that have come.
    here: u32,
    /// The check of the topic, as far as it has come: also of one that nobody keeps.
    scan: Scan,
}

impl LongPublish {
    /// None at all.
    pub const NONE: Self = LongPublish {
        flags: 0,
        field: Field::Topic,
        topic_len: 0,
        last_two: 0,
        payload_len: 0,
        here: 0,
        scan: Scan::NEW,
    };

    /// Begins with the flags and Remaining Length of the fixed header and what has come behind it: the state, and how many
    /// octets of `input` it took; `None` while the length of the topic is not there yet.
    ///
    /// # Errors
    /// [`DecodeError::Length`] if the fields cannot fill Remaining Length; [`DecodeError::Topic`] for an empty topic.
    pub fn read(flags: u8, remaining_length: u32, input: &[u8]) -> Result<Option<(Self, usize)>, DecodeError> {
        let Some(&topic_len) = input.first_chunk() else { return Ok(None) };
        let topic_len = u16::from_be_bytes(topic_len);
        if topic_len == 0 {
            return Err(DecodeError::Topic);
        }
        let mut long = LongPublish { flags, topic_len, ..Self::NONE };
        long.payload_len = remaining_length.checked_sub(2 + long.total()).ok_or(DecodeError::Length)?;
        Ok(Some((long, 2)))
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
            Field::Payload => self.payload_len,
            Field::Topic if self.flags & 0x06 == 0 => self.topic_len as u32,
            Field::Topic => self.topic_len as u32 + 2,
        }
    }

    /// Octets of the field in hand that are still to come.
    #[must_use]
    pub const fn missing(&self) -> u32 {
        self.total().saturating_sub(self.here)
    }

    /// The flags of the fixed header.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.flags & 0x0F
    }

    /// Octets of the Topic Name.
    #[must_use]
    pub const fn topic_len(&self) -> u16 {
        self.topic_len
    }

    /// QoS and Packet Identifier, right from the payload on.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        Delivery::new(self.flags, PacketIdentifier::new(self.last_two).unwrap_or(PacketIdentifier::FIRST))
    }

    /// Takes the octets of the field in hand that have come next, no more than are missing.
    ///
    /// # Errors
    /// [`DecodeError::Topic`] if the topic cannot become a Topic Name [MQTT-1.5.3-1].
    pub fn came(&mut self, octets: &[u8]) -> Result<(), DecodeError> {
        if self.field == Field::Topic {
            let of_name = usize::from(self.topic_len).saturating_sub(self.here as usize).min(octets.len());
            self.scan.take(octets.get(..of_name).unwrap_or(octets)).map_err(|_| DecodeError::Topic)?;
            for &octet in octets.last_chunk::<2>().map_or(octets, |last_two| last_two) {
                self.last_two = self.last_two << 8 | u16::from(octet);
            }
        }
        // Under 2^28.
        #[allow(clippy::cast_possible_truncation)]
        let len = octets.len() as u32;
        self.here = self.here.saturating_add(len);
        Ok(())
    }

    /// Goes on from a whole topic to the payload.
    ///
    /// # Errors
    /// [`DecodeError::Topic`] if it is no Topic Name [MQTT-3.3.2-2]; [`DecodeError::PacketIdentifier`] for identifier 0.
    pub fn topic_done(&mut self) -> Result<(), DecodeError> {
        if self.scan.end() != Ok(false) {
            return Err(DecodeError::Topic);
        }
        if self.flags & 0x06 != 0 && self.last_two == 0 {
            return Err(DecodeError::PacketIdentifier);
        }
        self.here = 0;
        self.field = Field::Payload;
        Ok(())
    }
}
