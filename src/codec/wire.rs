//! Two-octet integers and the fields that one precedes: UTF-8 strings and binary data, see 1.5.

use heapless::VecView;
use nom::bytes::complete::take;

use super::error::{DecodeError, EncodeError};
use super::types::PacketIdentifier;

/// What a parser over `&[u8]` gives: the octets after the value, and the value.
type Parsed<'a, T> = Result<(&'a [u8], T), DecodeError>;

/// A two-octet integer, most significant octet first, see 1.5.2.
fn number(input: &[u8]) -> Parsed<'_, u16> {
    let (&octets, rest) = input.split_first_chunk().ok_or(DecodeError::Length)?;
    Ok((rest, u16::from_be_bytes(octets)))
}

/// A field with its length in front, see 1.5.3: the octets without the length.
///
/// # Errors
/// [`DecodeError::Length`] if the field is longer than what is left.
pub fn field(input: &[u8]) -> Parsed<'_, &[u8]> {
    let (rest, len) = number(input)?;
    // Of a whole packet: whatever nom objects to is a field that does not fit.
    take::<_, _, ()>(len)(rest).map_err(|_| DecodeError::Length)
}

/// A Packet Identifier.
///
/// # Errors
/// [`DecodeError::PacketIdentifier`] if it is 0 [MQTT-2.3.1-1]; [`DecodeError::Length`] if octets are missing.
pub fn packet_identifier(input: &[u8]) -> Parsed<'_, PacketIdentifier> {
    let (rest, number) = number(input)?;
    PacketIdentifier::new(number).map(|identifier| (rest, identifier)).ok_or(DecodeError::PacketIdentifier)
}

/// A Packet Identifier and nothing behind it.
///
/// # Errors
/// Those of [`packet_identifier`]; [`DecodeError::Length`] if octets are left over.
pub fn only_packet_identifier(input: &[u8]) -> Result<PacketIdentifier, DecodeError> {
    match packet_identifier(input)? {
        ([], identifier) => Ok(identifier),
        _ => Err(DecodeError::Length),
    }
}

/// A view on part of an encoded packet: from `offset` on, as many octets as the buffer holds.
///
/// A packet is encoded into one of these; a packet longer than the buffer is encoded again, further on, for each part. So
/// a packet needs no buffer of its own size, and what the stream did not take at once needs no copy to be kept.
pub struct Window<'a> {
    octets: &'a mut VecView<u8>,
    skip: u32,
    /// Octets of the packet so far, in the window or not.
    len: u32,
    field_too_long: bool,
}

impl<'a> Window<'a> {
    /// A window that begins `offset` octets into the packet and is filled into the empty `octets`.
    pub fn new(octets: &'a mut VecView<u8>, offset: u32) -> Self {
        Window { octets, skip: offset, len: 0, field_too_long: false }
    }

    /// How many octets were put, in the window or not.
    ///
    /// # Errors
    /// [`EncodeError::FieldTooLong`] if one of the fields was over 65,535 octets.
    pub fn counted(&self) -> Result<u32, EncodeError> {
        if self.field_too_long { Err(EncodeError::FieldTooLong) } else { Ok(self.len) }
    }

    /// The packet's next octets. What lies before the window or does not fit into it is left out.
    pub fn put(&mut self, octets: &[u8]) {
        // What is longer is too long for any packet, and found to be.
        let len = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        let skipped = len.min(self.skip);
        self.len = self.len.saturating_add(len);
        self.skip -= skipped;
        let room = self.octets.capacity() - self.octets.len();
        let octets = octets.get(skipped as usize..).unwrap_or(&[]);
        let octets = octets.get(..room).unwrap_or(octets);
        // Cut to the room just above.
        let _ = self.octets.extend_from_slice(octets);
    }

    /// A two-octet integer, most significant octet first, see 1.5.2.
    pub fn put_u16(&mut self, number: u16) {
        self.put(&number.to_be_bytes());
    }

    /// A field with its length in front, see 1.5.3.
    pub fn put_field(&mut self, octets: &[u8]) {
        let len = u16::try_from(octets.len());
        self.field_too_long |= len.is_err();
        self.put_u16(len.unwrap_or(u16::MAX));
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
