//! Two-octet integers and the fields that one precedes: UTF-8 strings and binary data, see 1.5.

use heapless::VecView;
use nom::multi::length_data;
use nom::number::complete::be_u16;
use nom::{IResult, Parser};

use super::error::{DecodeError, EncodeError};
use super::types::PacketIdentifier;

/// What a parser over `&[u8]` gives: the octets after the value, and the value.
pub type Parsed<'a, T> = IResult<&'a [u8], T, DecodeError>;

/// A field with its length in front, see 1.5.3: the octets without the length.
///
/// # Errors
/// [`DecodeError::Length`] if the field is longer than what is left.
pub fn field(input: &[u8]) -> Parsed<'_, &[u8]> {
    length_data(be_u16).parse(input)
}

/// A Packet Identifier.
///
/// # Errors
/// [`DecodeError::PacketIdentifier`] if it is 0 [MQTT-2.3.1-1]; [`DecodeError::Length`] if octets are missing.
pub fn packet_identifier(input: &[u8]) -> Parsed<'_, PacketIdentifier> {
    let (rest, number) = be_u16(input)?;
    match PacketIdentifier::new(number) {
        Some(identifier) => Ok((rest, identifier)),
        None => Err(nom::Err::Failure(DecodeError::PacketIdentifier)),
    }
}

/// The value of a parser that has to use up all of its input.
///
/// # Errors
/// The parser's own; [`DecodeError::Length`] if octets are left over.
pub fn whole<T>(parsed: Parsed<'_, T>) -> Result<T, DecodeError> {
    match parsed {
        Ok(([], value)) => Ok(value),
        Err(nom::Err::Error(error) | nom::Err::Failure(error)) => Err(error),
        Ok(_) | Err(nom::Err::Incomplete(_)) => Err(DecodeError::Length),
    }
}

/// Octets that a field with its length in front takes: 2 and its own.
///
/// # Errors
/// [`EncodeError::FieldTooLong`] over 65,535 octets.
pub fn field_len(octets: &[u8]) -> Result<u32, EncodeError> {
    match u16::try_from(octets.len()) {
        Ok(len) => Ok(u32::from(len) + 2),
        Err(_) => Err(EncodeError::FieldTooLong),
    }
}

/// A view on part of an encoded packet: from `offset` on, as many octets as the buffer holds.
///
/// A packet is encoded into one of these; a packet longer than the buffer is encoded again, further on, for each part. So
/// a packet needs no buffer of its own size, and what the stream did not take at once needs no copy to be kept.
pub struct Window<'a> {
    octets: &'a mut VecView<u8>,
    skip: u32,
}

impl<'a> Window<'a> {
    /// A window that begins `offset` octets into the packet and is filled into the empty `octets`.
    pub fn new(octets: &'a mut VecView<u8>, offset: u32) -> Self {
        Window { octets, skip: offset }
    }

    /// The packet's next octets. What lies before the window or does not fit into it is left out.
    #[inline]
    pub fn put(&mut self, octets: &[u8]) {
        let skipped = octets.len().min(self.skip as usize);
        // Never more than `skip` itself.
        #[allow(clippy::cast_possible_truncation)]
        let skipped_u32 = skipped as u32;
        self.skip -= skipped_u32;
        let room = self.octets.capacity() - self.octets.len();
        let octets = octets.get(skipped..).unwrap_or(&[]);
        let octets = octets.get(..room).unwrap_or(octets);
        // Cut to the room just above.
        let _ = self.octets.extend_from_slice(octets);
    }

    /// A two-octet integer, most significant octet first, see 1.5.2.
    #[inline]
    pub fn put_u16(&mut self, number: u16) {
        self.put(&number.to_be_bytes());
    }

    /// A field with its length in front. Its length was checked by [`field_len`].
    #[inline]
    pub fn put_field(&mut self, octets: &[u8]) {
        #[allow(clippy::cast_possible_truncation)]
        self.put_u16(octets.len() as u16);
        self.put(octets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heapless::Vec;

    #[test]
    fn a_window_shows_its_part_of_the_packet_only() {
        for offset in 0..8 {
            let mut octets: Vec<u8, 3> = Vec::new();
            let mut window = Window::new(&mut octets, offset);
            window.put_field(b"abc");
            window.put_u16(0x0102);
            let packet = [0, 3, b'a', b'b', b'c', 1, 2];
            let from = (offset as usize).min(packet.len());
            let to = (from + 3).min(packet.len());
            assert_eq!(octets.as_slice(), &packet[from..to]);
        }
    }
}
