//! What a Server must not send, and what it need not.

use std::rc::Rc;

use super::ledger::{Arrival, Coming};
use super::server::{Moment, Note, Server};
use super::support::packets;

/// What no topic may hold.
const NO_TOPICS: [&[u8]; 7] = [b"#", b"+", b"\0", b"\xFF", b"\xED\xA0\x80", b"\xC0\x80", b"\xE2\x82"];

/// Packets that end a connection: of no type, with wrong flags, lengths, identifiers and codes.
const MALFORMED: [&[u8]; 17] = [
    &[0x00, 0],
    &[0x10, 0],
    &[0x20, 2, 0, 0],
    &[0x30, 0],
    &[0x30, 2, 0, 0],
    &[0x30, 3, 0, 2, b'a'],
    &[0x32, 5, 0, 1, b'a', 0, 0],
    &[0x36, 5, 0, 1, b'a', 0, 1],
    &[0x38, 3, 0, 1, b'a'],
    &[0x40, 2, 0, 0],
    &[0x41, 2, 0, 1],
    &[0x50, 3, 0, 1, 0],
    &[0x60, 2, 0, 1],
    &[0x70, 1, 0],
    &[0x90, 3, 0, 1, 3],
    &[0xD0, 1, 0],
    &[0xD0, 0x80, 0x80, 0x80, 0x80],
];

impl Server {
    /// Sends what ends the connection, and nothing after it.
    pub fn breaks_a_rule(&mut self, moment: &mut Moment) {
        if !self.is_accepted || self.got_disconnect || self.is_gone {
            return;
        }
        if moment.chance.one_in(3) {
            let octets = moment.chance.pick(&MALFORMED);
            self.puts(octets, Note::Arrival(Arrival::Malformed(None)), moment);
        } else {
            let message = Rc::new(self.draws_without_topic(moment));
            self.puts(&message.octets(), Note::Arrival(Arrival::Malformed(Some(message))), moment);
        }
        self.is_gone = true;
        self.is_malformed = true;
    }

    /// Sends any octets, any acknowledgement: from now on nothing is known, but that each call ends, and well.
    pub fn says_anything(&mut self, moment: &mut Moment) {
        self.ledger.is_wild = true;
        self.exchanges.is_wild = true;
        let chance = &mut *moment.chance;
        let identifiers: Vec<u16> = self.exchanges.identifiers().collect();
        let identifier = if identifiers.is_empty() { 1 } else { chance.pick(&identifiers) };
        let octets = match chance.below(8) {
            0 => packets::puback(identifier),
            1 => packets::pubrec(identifier),
            2 => packets::pubcomp(identifier),
            3 => packets::suback(identifier, chance.pick(&[0, 0x80, 1, 3])),
            4 => packets::unsuback(identifier),
            5 => packets::pubrel(self.draws_identifier(chance)),
            6 => vec![0x20, 2, chance.pick(&[0, 1, 2]), chance.pick(&[0, 1, 5, 6])],
            _ => (0..chance.below(12)).map(|_| chance.below(256).to_le_bytes()[0]).collect(),
        };
        self.puts(&octets, Note::Wild, moment);
    }

    /// A message whose topic is none.
    fn draws_without_topic(&mut self, moment: &mut Moment) -> Coming {
        let mut message = self.draws(moment);
        let wrong = moment.chance.pick(&NO_TOPICS);
        let at = moment.chance.below(message.topic.len() + 1);
        // Not inside a character, where it would be wrong anyhow.
        message.topic.splice(at..at, wrong.iter().copied());
        if moment.chance.one_in(4) {
            // At QoS 2, it may look like one that was delivered before.
            message.first |= 0x04;
            message.first &= !0x02;
            message.identifier = self.draws_identifier(moment.chance);
        }
        message
    }

    /// Says what answers nothing; the client passes it over.
    pub fn says_what_nobody_asked(&mut self, moment: &mut Moment) {
        if !self.is_accepted || self.got_disconnect || self.is_gone {
            return;
        }
        let taken: Vec<u16> = self.exchanges.identifiers().collect();
        let mut identifier = u16::try_from(1 + moment.chance.below(65_000)).expect("16 bits");
        while taken.contains(&identifier) || self.exchanges.is_near(identifier) {
            identifier = identifier.wrapping_add(1_000).max(1);
        }
        let which = moment.chance.below(6);
        let note = if which == 5 { Note::Pingresp } else { Note::Ack { first: 0, number: 0, code: 0 } };
        let octets = match which {
            0 => packets::puback(identifier),
            1 => packets::pubrec(identifier),
            2 => packets::pubcomp(identifier),
            3 => packets::suback(identifier, 0x80),
            4 => packets::unsuback(identifier),
            _ => packets::PINGRESP.to_vec(),
        };
        self.puts(&octets, note, moment);
    }
}
