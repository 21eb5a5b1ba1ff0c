//! QoS 2 identifiers received and not yet released: what keeps a message from being delivered twice, see 4.3.3.

use heapless::Vec;

use super::error::SessionError;
use crate::codec::PacketIdentifier;
use crate::settings::INCOMING;

/// Identifiers that one group holds, a bit each.
const GROUP: u16 = 32;

/// Packet Identifiers of QoS 2 messages that were delivered and whose PUBREL has not come.
///
/// Servers give identifiers out one after the other, and some (mosquitto 2.0.11 is one) have hundreds of messages on their
/// way at once. So the table holds groups of 32 neighbours, `INCOMING` of them: all is well with that many
/// identifiers anywhere, and with 32 times as many if they lie side by side.
#[derive(Debug, Default)]
pub struct Incoming {
    /// The identifiers of each group, divided by 32.
    numbers: Vec<u16, INCOMING, u16>,
    /// Which of its identifiers each group holds; never none.
    members: Vec<u32, INCOMING, u16>,
}

/// The group of an identifier, and its bit there.
const fn place(identifier: PacketIdentifier) -> (u16, u32) {
    (identifier.get() / GROUP, 1 << (identifier.get() % GROUP))
}

impl Incoming {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Incoming { numbers: Vec::new(), members: Vec::new() }
    }

    fn group(&self, number: u16) -> Option<usize> {
        self.numbers.iter().position(|&held| held == number)
    }

    /// Whether the message of this identifier was delivered before [MQTT-4.3.3-2].
    ///
    /// # Errors
    /// [`SessionError::IncomingFull`] if there is no room to tell one more apart.
    pub fn contains(&self, identifier: PacketIdentifier) -> Result<bool, SessionError> {
        let (number, bit) = place(identifier);
        match self.group(number).and_then(|index| self.members.get(index)) {
            Some(members) => Ok(members & bit != 0),
            None if self.numbers.is_full() => Err(SessionError::IncomingFull),
            None => Ok(false),
        }
    }

    /// Remembers a message that is being delivered.
    pub fn insert(&mut self, identifier: PacketIdentifier) {
        let (number, bit) = place(identifier);
        if let Some(index) = self.group(number) {
            if let Some(members) = self.members.get_mut(index) {
                *members |= bit;
            }
        } else {
            // `contains` came before, with the packet itself, and found room.
            let _ = self.numbers.push(number);
            let _ = self.members.push(bit);
        }
    }

    /// PUBREL came: the next message of this identifier is a new one.
    pub fn release(&mut self, identifier: PacketIdentifier) {
        let (number, bit) = place(identifier);
        let Some(index) = self.group(number) else { return };
        let Some(members) = self.members.get_mut(index) else { return };
        *members &= !bit;
        if *members == 0 {
            // The last group takes the place of the empty one.
            if let (Some(number), Some(members)) = (self.numbers.pop(), self.members.pop()) {
                if let (Some(place), Some(held)) = (self.numbers.get_mut(index), self.members.get_mut(index)) {
                    *place = number;
                    *held = members;
                }
            }
        }
    }

    /// Forgets all: the Server has no session.
    pub fn clear(&mut self) {
        self.numbers.clear();
        self.members.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier(number: u16) -> PacketIdentifier {
        PacketIdentifier::new(number).expect("not 0")
    }

    #[test]
    fn the_table_says_when_it_is_full_and_has_room_after_a_release() {
        let mut incoming = Incoming::new();
        let groups = u16::try_from(INCOMING).expect("small");
        for group in 0..groups {
            assert_eq!(incoming.contains(identifier(group * GROUP + 1)), Ok(false));
            incoming.insert(identifier(group * GROUP + 1));
        }
        let one_more = identifier(groups * GROUP);
        assert_eq!(incoming.contains(one_more), Err(SessionError::IncomingFull));
        assert_eq!(incoming.contains(identifier(2)), Ok(false), "beside another");
        incoming.release(identifier(999));
        incoming.release(identifier(1));
        assert_eq!(incoming.contains(one_more), Ok(false));
        assert_eq!(incoming.contains(identifier(1)), Ok(false));
        assert_eq!(incoming.contains(identifier(GROUP + 1)), Ok(true));
        incoming.clear();
        assert_eq!(incoming.contains(identifier(GROUP + 1)), Ok(false));
    }

    // [MQTT-4.3.3-2]
    #[test]
    fn neighbours_are_told_apart() {
        let mut incoming = Incoming::new();
        let many = u16::try_from(INCOMING).expect("small") * GROUP - 1;
        for number in 1..=many {
            assert_eq!(incoming.contains(identifier(number)), Ok(false));
            incoming.insert(identifier(number));
        }
        for number in 1..=many {
            assert_eq!(incoming.contains(identifier(number)), Ok(true));
            incoming.release(identifier(number));
            assert_eq!(incoming.contains(identifier(number)), Ok(false));
        }
        assert_eq!(incoming.contains(identifier(65_535)), Ok(false));
        incoming.insert(identifier(65_535));
        assert_eq!(incoming.contains(identifier(65_535)), Ok(true));
    }
}
