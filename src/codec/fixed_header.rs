//! The fixed header: packet type, flags and Remaining Length, both ways, see 2.2.

use super::error::DecodeError;
use super::wire::Window;

/// The largest Remaining Length: four octets of seven bits, see 2.2.3.
pub const REMAINING_LENGTH_MAX: u32 = 268_435_455;

/// The packet types that a Server may send, see 2.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketType {
    /// Acknowledges CONNECT.
    Connack,
    /// A message, with its flags DUP, QoS and RETAIN checked but still in one octet.
    Publish {
        /// The low four bits of the first octet.
        flags: u8,
    },
    /// Acknowledges a PUBLISH at QoS 1.
    Puback,
    /// First answer to a PUBLISH at QoS 2.
    Pubrec,
    /// Second packet of the sender at QoS 2.
    Pubrel,
    /// Last answer at QoS 2.
    Pubcomp,
    /// Acknowledges SUBSCRIBE.
    Suback,
    /// Acknowledges UNSUBSCRIBE.
    Unsuback,
    /// Answers PINGREQ.
    Pingresp,
}

impl PacketType {
    /// Reads the first octet of a packet from the Server.
    ///
    /// # Errors
    /// [`DecodeError::UnexpectedType`] for a type that a Server must not send; [`DecodeError::ReservedFlags`] for flags
    /// other than the fixed ones [MQTT-2.2.2-2]; [`DecodeError::BothQosBits`] for a PUBLISH at QoS 3 [MQTT-3.3.1-4];
    /// [`DecodeError::DupAtMostOnce`] for one at QoS 0 with DUP [MQTT-3.3.1-2].
    pub const fn from_first_octet(first: u8) -> Result<Self, DecodeError> {
        let flags = first & 0x0F;
        Ok(match first {
            0x20 => PacketType::Connack,
            0x30..=0x3F if flags & 0x06 == 0x06 => return Err(DecodeError::BothQosBits),
            0x30..=0x3F if flags & 0x0E == 0x08 => return Err(DecodeError::DupAtMostOnce),
            0x30..=0x3F => PacketType::Publish { flags },
            0x40 => PacketType::Puback,
            0x50 => PacketType::Pubrec,
            0x62 => PacketType::Pubrel,
            0x70 => PacketType::Pubcomp,
            0x90 => PacketType::Suback,
            0xB0 => PacketType::Unsuback,
            0xD0 => PacketType::Pingresp,
            _ => {
                let is_known = matches!(first >> 4, 2 | 4..=7 | 9 | 11 | 13);
                return Err(if is_known { DecodeError::ReservedFlags } else { DecodeError::UnexpectedType });
            }
        })
    }

    /// Whether a packet of this type can be `remaining_length` octets long. Known with the fixed header, so that a wrong
    /// length is refused before anything is awaited behind it.
    const fn admits(self, remaining_length: u32) -> bool {
        match self {
            // A Topic Name is at least one octet, behind a length of two.
            PacketType::Publish { flags } => remaining_length >= if flags & 0x06 == 0 { 3 } else { 5 },
            // This Client puts one Topic Filter into a SUBSCRIBE, and gets one return code [MQTT-3.8.4-5].
            PacketType::Suback => remaining_length == 3,
            PacketType::Pingresp => remaining_length == 0,
            _ => remaining_length == 2,
        }
    }
}

/// A checked fixed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedHeader {
    /// Packet type, for PUBLISH with its flags.
    pub packet_type: PacketType,
    /// Octets that follow the fixed header.
    pub remaining_length: u32,
}

impl FixedHeader {
    /// Reads the fixed header at the start of `input`: it and the number of octets it takes, or `None` while more octets
    /// are needed to tell.
    ///
    /// # Errors
    /// As soon as the octets seen can no longer become a packet: those of [`PacketType::from_first_octet`],
    /// [`DecodeError::RemainingLength`] for a fifth octet of Remaining Length, [`DecodeError::Length`] for a length that
    /// no packet of this type has.
    pub fn read(input: &[u8]) -> Result<Option<(Self, usize)>, DecodeError> {
        let Some((&first, rest)) = input.split_first() else { return Ok(None) };
        let packet_type = PacketType::from_first_octet(first)?;
        let mut remaining_length = 0;
        for (octet, index) in rest.iter().zip(0..4_u8) {
            remaining_length |= u32::from(octet & 0x7F) << (7 * index);
            if octet & 0x80 == 0 {
                if !packet_type.admits(remaining_length) {
                    return Err(DecodeError::Length);
                }
                return Ok(Some((FixedHeader { packet_type, remaining_length }, usize::from(index) + 2)));
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
