//! Small packets that the client sends of its own accord, encoded and waiting for the stream.

use heapless::Vec;

use crate::codec::PINGREQ;
use crate::codec::ack::ACK_LEN;

/// How many acknowledgements fit.
pub(super) const CAPACITY: usize = 10;

/// Octets of these.
const LEN: usize = CAPACITY * ACK_LEN;

/// Acknowledgements, PINGREQ and DISCONNECT on their way out.
#[derive(Debug, Default)]
pub struct Outbox {
    octets: Vec<u8, LEN, u8>,
    /// Octets that have not left of the PINGREQ that Keep Alive asks for: it has a place of its own.
    pingreq_left: u8,
    /// End of the last PINGREQ among the others.
    ping_end: u8,
    written: u8,
    /// End of what the stream was last offered. A TLS stream that would block has to be offered the same again.
    offered: u8,
}

impl Outbox {
    /// Empty.
    pub const fn new() -> Self {
        // PUBREL for each exchange under way has to fit at once when a session resumes.
        const { assert!(crate::settings::IN_FLIGHT <= CAPACITY, "IN_FLIGHT is at most 10") };
        Outbox { octets: Vec::new(), pingreq_left: 0, ping_end: 0, written: 0, offered: 0 }
    }

    /// Whether `packets` acknowledgements still fit.
    pub fn has_room(&self, packets: usize) -> bool {
        self.octets.len() + packets * ACK_LEN <= LEN
    }

    /// Queues one packet of at most [`ACK_LEN`] octets; false if it does not fit.
    #[must_use]
    pub fn push(&mut self, packet: &[u8]) -> bool {
        self.octets.extend_from_slice(packet).is_ok()
    }

    /// Queues the PINGREQ that Keep Alive asks for, unless one waits already.
    pub fn push_pingreq(&mut self) {
        if self.pingreq_left == 0 {
            self.pingreq_left = 2;
        }
    }

    /// What was pushed last is a PINGREQ of the caller's.
    pub fn marks_ping(&mut self) {
        self.ping_end = self.end();
    }

    /// Whether a PINGREQ waits.
    pub fn has_pingreq(&self) -> bool {
        self.pingreq_left > 0 || self.ping_end > self.written
    }

    fn end(&self) -> u8 {
        // Never more than the capacity.
        #[allow(clippy::cast_possible_truncation)]
        let end = self.octets.len() as u8;
        end
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty() && self.pingreq_left == 0
    }

    /// Whether the stream was offered others than that PINGREQ, and has not taken all of them.
    fn owes_others(&self) -> bool {
        self.offered > self.written
    }

    /// What the stream is to take next: that PINGREQ by itself, since it may have to leave more than once before the others have.
    pub fn offer(&mut self) -> &[u8] {
        if !self.owes_others() {
            match self.pingreq_left {
                0 => self.offered = self.end(),
                1 => return &PINGREQ[1..],
                _ => return &PINGREQ,
            }
        }
        self.octets.get(usize::from(self.written)..usize::from(self.offered)).unwrap_or(&[])
    }

    /// The stream took `len` octets of the offer.
    pub fn took(&mut self, len: usize) {
        #[allow(clippy::cast_possible_truncation)]
        let len = len as u8;
        if !self.owes_others() {
            self.pingreq_left = self.pingreq_left.saturating_sub(len);
            return;
        }
        self.written = self.written.saturating_add(len);
        if usize::from(self.written) >= self.octets.len() {
            self.octets.clear();
            self.ping_end = 0;
            self.written = 0;
            self.offered = 0;
        }
    }

    /// Forgets all, for a new connection.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.pingreq_left = 0;
        self.ping_end = 0;
        self.written = 0;
        self.offered = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_offered_is_offered_again_before_what_came_after() {
        let mut outbox = Outbox::new();
        assert!(outbox.push(&[1, 2, 3, 4]));
        assert_eq!(outbox.offer(), [1, 2, 3, 4]);
        assert!(outbox.push(&[5, 6]));
        assert_eq!(outbox.offer(), [1, 2, 3, 4]);
        outbox.took(3);
        assert_eq!(outbox.offer(), [4]);
        outbox.took(1);
        assert_eq!(outbox.offer(), [5, 6]);
        outbox.took(2);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_full_outbox_refuses() {
        let mut outbox = Outbox::new();
        for _ in 0..CAPACITY {
            assert!(outbox.has_room(1));
            assert!(outbox.push(&[0; ACK_LEN]));
        }
        assert!(!outbox.has_room(1));
        assert!(!outbox.push(&[0; ACK_LEN]));
        outbox.took(1);
        assert!(!outbox.has_room(1));
    }

    /// All that waits, as the stream gets it.
    fn drained(outbox: &mut Outbox) -> std::vec::Vec<u8> {
        let mut octets = std::vec::Vec::new();
        while !outbox.is_empty() {
            let len = outbox.offer().len();
            octets.extend_from_slice(outbox.offer());
            outbox.took(len);
        }
        octets
    }

    #[test]
    fn pingreq_takes_no_place_of_an_acknowledgement() {
        for before in 0..=CAPACITY {
            let mut outbox = Outbox::new();
            for _ in 0..before {
                assert!(outbox.push(&[0; ACK_LEN]));
            }
            outbox.push_pingreq();
            outbox.push_pingreq();
            for _ in before..CAPACITY {
                assert!(outbox.push(&[0; ACK_LEN]));
            }
            assert!(!outbox.push(&PINGREQ));
            assert_eq!(drained(&mut outbox), [&PINGREQ[..], &[0; LEN]].concat(), "one PINGREQ");
        }
    }

    #[test]
    fn pingreq_that_has_left_is_followed_by_another_though_the_outbox_was_never_empty() {
        let mut outbox = Outbox::new();
        assert!(outbox.push(&[1, 2, 3, 4]));
        outbox.push_pingreq();
        for _ in 0..10 {
            assert_eq!(outbox.offer(), PINGREQ);
            outbox.took(1);
            outbox.push_pingreq();
            assert_eq!(outbox.offer(), &PINGREQ[1..], "half of it waits");
            outbox.took(1);
            outbox.push_pingreq();
        }
        assert_eq!(drained(&mut outbox), [&PINGREQ[..], &[1, 2, 3, 4]].concat());
    }

    #[test]
    fn pingreq_comes_between_two_packets() {
        let mut outbox = Outbox::new();
        assert!(outbox.push(&[1, 2, 3, 4]));
        outbox.offer();
        outbox.took(1);
        outbox.push_pingreq();
        assert!(outbox.push(&[5, 6]));
        assert_eq!(drained(&mut outbox), [&[2, 3, 4][..], &PINGREQ, &[5, 6]].concat());
    }
}
