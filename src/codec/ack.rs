//! PUBACK, PUBREC, PUBREL and PUBCOMP: one shape, four types, see 3.4 to 3.7.

use super::types::PacketIdentifier;

/// Octets of each of the four, and of no other.
pub const ACK_LEN: usize = 4;

/// Which of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum AckType {
    /// Answers a PUBLISH at QoS 1.
    Puback = 0x40,
    /// Answers a PUBLISH at QoS 2.
    Pubrec = 0x50,
    /// Answers PUBREC. Its flags are 0010 [MQTT-3.6.1-1].
    Pubrel = 0x62,
    /// Answers PUBREL.
    Pubcomp = 0x70,
}

/// One of the four, with the exchange it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// Which of the four.
    pub ack_type: AckType,
    /// Names the exchange.
    pub packet_identifier: PacketIdentifier,
}

impl Ack {
    /// The packet.
    #[must_use]
    pub const fn encode(self) -> [u8; ACK_LEN] {
        let [high, low] = self.packet_identifier.get().to_be_bytes();
        [self.ack_type as u8, 2, high, low]
    }
}
