//! Packets put together octet by octet, with no help of the crate's own encoder.

/// CONNACK: accepted, no session present.
pub const CONNACK: [u8; 4] = [0x20, 2, 0, 0];
/// CONNACK: accepted, and the Server has the session.
pub const CONNACK_PRESENT: [u8; 4] = [0x20, 2, 1, 0];
pub const PINGREQ: [u8; 2] = [0xC0, 0];
pub const PINGRESP: [u8; 2] = [0xD0, 0];
pub const DISCONNECT: [u8; 2] = [0xE0, 0];

/// Remaining Length as the table in 2.2.3 has it.
pub fn remaining_length(number: usize) -> Vec<u8> {
    let octet = |shift: u32| u8::try_from(number >> shift & 0x7F).expect("seven bits");
    match number {
        0..=127 => vec![octet(0)],
        128..=16_383 => vec![octet(0) | 0x80, octet(7)],
        16_384..=2_097_151 => vec![octet(0) | 0x80, octet(7) | 0x80, octet(14)],
        2_097_152..=268_435_455 => vec![octet(0) | 0x80, octet(7) | 0x80, octet(14) | 0x80, octet(21)],
        _ => panic!("{number} is no Remaining Length"),
    }
}

/// A string or binary field with its length in front.
pub fn field(octets: &[u8]) -> Vec<u8> {
    let len = u16::try_from(octets.len()).expect("a field").to_be_bytes();
    [&len[..], octets].concat()
}

/// A packet of this first octet and these parts.
pub fn packet(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&[first][..], &remaining_length(body.len()), &body].concat()
}

/// PUBLISH with this first octet, 0x30 to 0x3D; the identifier is there at QoS 1 and 2 only.
pub fn publish(first: u8, topic: &[u8], identifier: u16, payload: &[u8]) -> Vec<u8> {
    let identifier: &[u8] = if first & 0x06 == 0 { &[] } else { &identifier.to_be_bytes() };
    packet(first, &[&field(topic), identifier, payload])
}

fn with_identifier(start: [u8; 2], identifier: u16) -> Vec<u8> {
    [start, identifier.to_be_bytes()].concat()
}

pub fn puback(identifier: u16) -> Vec<u8> {
    with_identifier([0x40, 2], identifier)
}

pub fn pubrec(identifier: u16) -> Vec<u8> {
    with_identifier([0x50, 2], identifier)
}

pub fn pubrel(identifier: u16) -> Vec<u8> {
    with_identifier([0x62, 2], identifier)
}

pub fn pubcomp(identifier: u16) -> Vec<u8> {
    with_identifier([0x70, 2], identifier)
}

pub fn unsuback(identifier: u16) -> Vec<u8> {
    with_identifier([0xB0, 2], identifier)
}

pub fn suback(identifier: u16, code: u8) -> Vec<u8> {
    [with_identifier([0x90, 3], identifier), vec![code]].concat()
}

/// Octets 0, 1, 2 ... 250, 0 ...: no two neighbours alike, and no period of a power of two.
pub fn numbered(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

/// Five small packets.
pub fn pingresp_and_others() -> Vec<u8> {
    [&PINGRESP[..], &puback(258), &publish(0x30, b"t", 0, b"p"), &suback(1, 0x80), &PINGRESP].concat()
}
