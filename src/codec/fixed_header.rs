//! The fixed header: packet type, flags and Remaining Length, both ways, see 2.2.

use super::error::DecodeError;
use super::wire::Window;

/// The largest Remaining Length: four octets of seven bits, see 2.2.3.
pub const REMAINING_LENGTH_MAX: u32 = 268_435_455;

/// A checked fixed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedHeader {
    /// Packet type and flags: one that a Server may send, see 2.2.1.
    pub first: u8,
    /// Octets that follow the fixed header.
    pub remaining_length: u32,
}

impl FixedHeader {
    /// Whether it begins a PUBLISH.
    #[must_use]
    pub const fn is_publish(self) -> bool {
        self.first >> 4 == 3
    }

    /// The least and the greatest Remaining Length of packets with this first octet. Known before anything else has come, so
    /// that a wrong length is refused before anything is awaited behind it.
    const fn lengths(first: u8) -> Result<(u32, u32), DecodeError> {
        Ok(match first {
            0x20 | 0x40 | 0x50 | 0x62 | 0x70 | 0xB0 => (2, 2),
            // This Client puts one Topic Filter into a SUBSCRIBE, and gets one return code [MQTT-3.8.4-5].
            0x90 => (3, 3),
            0xD0 => (0, 0),
            0x30..=0x3F if first & 0x06 == 0x06 => return Err(DecodeError::BothQosBits),
            0x30..=0x3F if first & 0x0E == 0x08 => return Err(DecodeError::DupAtMostOnce),
            // A Topic Name is at least one octet, behind a length of two; then a Packet Identifier.
            0x30..=0x3F => (if first & 0x06 == 0 { 3 } else { 5 }, REMAINING_LENGTH_MAX),
            _ if matches!(first >> 4, 2 | 4..=7 | 9 | 11 | 13) => return Err(DecodeError::ReservedFlags),
            _ => return Err(DecodeError::UnexpectedType),
        })
    }

    /// Reads the fixed header at the start of `input`: it and the number of octets it takes, or `None` while more octets
    /// are needed to tell.
    ///
    /// # Errors
    /// As soon as the octets seen can no longer become a packet: [`DecodeError::UnexpectedType`] for a type that a Server
    /// must not send; [`DecodeError::ReservedFlags`] for flags other than the fixed ones [MQTT-2.2.2-2];
    /// [`DecodeError::BothQosBits`] for a PUBLISH at QoS 3 [MQTT-3.3.1-4]; [`DecodeError::DupAtMostOnce`] for one at QoS 0
    /// with DUP [MQTT-3.3.1-2]; [`DecodeError::RemainingLength`] for a fifth octet of Remaining Length;
    /// [`DecodeError::Length`] for a length that no packet of this type has.
    pub fn read(input: &[u8]) -> Result<Option<(Self, usize)>, DecodeError> {
        let Some((&first, rest)) = input.split_first() else { return Ok(None) };
        let (least, greatest) = Self::lengths(first)?;
        let mut remaining_length = 0;
        for (octet, index) in rest.iter().zip(0..4_u8) {
            remaining_length |= u32::from(octet & 0x7F) << (7 * index);
            if octet & 0x80 == 0 {
                if remaining_length < least || remaining_length > greatest {
                    return Err(DecodeError::Length);
                }
                return Ok(Some((FixedHeader { first, remaining_length }, usize::from(index) + 2)));
            }
        }
        if rest.len() < 4 { Ok(None) } else { Err(DecodeError::RemainingLength) }
    }
}

/// Writes a fixed header: the first octet, then Remaining Length, seven bits an octet, least significant first.
pub(super) fn put_fixed_header(window: &mut Window, first: u8, mut remaining_length: u32) {
    window.put(&[first]);
    loop {
        let octet = remaining_length.to_le_bytes()[0] & 0x7F;
        remaining_length >>= 7;
        if remaining_length == 0 {
            window.put(&[octet]);
            return;
        }
        window.put(&[octet | 0x80]);
    }
}
