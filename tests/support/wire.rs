//! Octets cut into packets, by a parser that owes nothing to the crate's own.

/// One packet: its first octet, what follows the fixed header, and the octets of all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    pub first: u8,
    pub body: Vec<u8>,
    pub len: usize,
}

impl Raw {
    /// The Packet Identifier at this place of the body.
    pub fn identifier(&self, place: usize) -> Option<u16> {
        let octets = self.body.get(place..place + 2)?;
        Some(u16::from_be_bytes([octets[0], octets[1]])).filter(|&identifier| identifier != 0)
    }

    /// The field at this place of the body.
    pub fn field(&self, place: usize) -> Option<&[u8]> {
        let len = self.body.get(place..place + 2)?;
        self.body[place + 2..].get(..usize::from(u16::from_be_bytes([len[0], len[1]])))
    }

    /// Of a PUBLISH: topic, identifier (0 at QoS 0) and payload.
    pub fn message(&self) -> Option<(&[u8], u16, &[u8])> {
        let topic = self.field(0)?;
        let rest = 2 + topic.len();
        match self.qos() {
            0 => Some((topic, 0, &self.body[rest..])),
            1 | 2 => Some((topic, self.identifier(rest)?, &self.body[rest + 2..])),
            _ => None,
        }
    }

    pub fn qos(&self) -> u8 {
        self.first >> 1 & 3
    }

    pub fn is_publish(&self) -> bool {
        self.first >> 4 == 3
    }
}

/// What stands at the start of octets.
#[derive(Debug, PartialEq, Eq)]
pub enum Start {
    Part,
    Whole(Raw),
    /// A fifth octet of Remaining Length.
    Malformed,
}

/// Looks at the start of `octets`.
pub fn start(octets: &[u8]) -> Start {
    let mut remaining_length = 0;
    for place in 1..=4 {
        let Some(&octet) = octets.get(place) else { return Start::Part };
        remaining_length += usize::from(octet & 0x7F) << (7 * (place - 1));
        if octet & 0x80 == 0 {
            let header_len = place + 1;
            let Some(body) = octets[header_len..].get(..remaining_length) else { return Start::Part };
            return Start::Whole(Raw { first: octets[0], body: body.to_vec(), len: header_len + body.len() });
        }
    }
    Start::Malformed
}
