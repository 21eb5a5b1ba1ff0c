//! What the caller has to get of the messages that the client has read: each in its turn, at QoS 2 once, octet for octet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use umqtt::settings::{INCOMING, RX_BUFFER};

use super::adapter::Told;
use super::support::packets;

/// A message of the Server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coming {
    /// First octet of its PUBLISH.
    pub first: u8,
    /// 0 at QoS 0.
    pub identifier: u16,
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
}

impl Coming {
    pub fn qos(&self) -> u8 {
        self.first >> 1 & 3
    }

    /// The start of its topic, which says which it is.
    pub fn name(&self) -> String {
        let topic = String::from_utf8_lossy(&self.topic);
        topic.split('/').take(2).collect::<Vec<_>>().join("/")
    }

    pub fn octets(&self) -> Vec<u8> {
        packets::publish(self.first, &self.topic, self.identifier, &self.payload)
    }

    /// Whether the receive buffer cannot hold it.
    pub fn is_long(&self) -> bool {
        // The fixed header of one around this length, and the length of the topic.
        let identifier_len = if self.qos() == 0 { 0 } else { 2 };
        let remaining_length = 2 + self.topic.len() + identifier_len + self.payload.len();
        let header_len = 1 + packets::remaining_length(remaining_length).len();
        header_len + remaining_length > RX_BUFFER
    }
}

/// Something that the client has read and has to deal with in its turn.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// With whether the caller had no memory for it.
    Message(Rc<Coming>, bool),
    Pubrel(u16),
    /// What ends the connection: a message whose topic is none, or any packet.
    Malformed(Option<Rc<Coming>>),
}

/// Messages on their way to the caller, on one connection.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What was read and not yet seen to be dealt with.
    arrivals: VecDeque<Arrival>,
    /// QoS 2 identifiers that the caller has taken and the Server has not released.
    unreleased: BTreeSet<u16>,
    /// Acknowledgements that are due, by first octet and identifier.
    owed: BTreeMap<(u8, u16), u32>,
    /// Those for which the client has read the reason.
    allowed: BTreeMap<(u8, u16), u32>,
    /// Those that were written.
    written: BTreeMap<(u8, u16), u32>,
    /// The Server has said anything: nothing is known of what comes.
    pub is_wild: bool,
    /// Messages that were told.
    pub told: u64,
}

impl Ledger {
    /// A new connection; a clean session forgets.
    pub fn opens(&mut self, clean: bool) {
        // Of what the client has read before, it may have dealt with all or with nothing; PUBCOMP tells.
        for arrival in std::mem::take(&mut self.arrivals) {
            if let Arrival::Pubrel(identifier) = arrival {
                let which = (0x70, identifier);
                if self.written.get(&which) > self.owed.get(&which) {
                    self.unreleased.remove(&identifier);
                    self.owe(0x70, identifier);
                }
            }
        }
        self.owed.clear();
        self.allowed.clear();
        self.written.clear();
        if clean {
            self.unreleased.clear();
        }
    }

    /// CONNACK says that the Server has no session.
    pub fn is_fresh(&mut self) {
        self.unreleased.clear();
    }

    /// The client was made anew, and knows nothing.
    pub fn restarts(&mut self) {
        self.opens(true);
    }

    /// The client has read this.
    pub fn read(&mut self, arrival: Arrival) {
        match &arrival {
            Arrival::Message(message, _) if message.qos() == 2 => self.allow(0x50, message.identifier),
            Arrival::Message(..) | Arrival::Malformed(_) => {}
            Arrival::Pubrel(identifier) => self.allow(0x70, *identifier),
        }
        self.arrivals.push_back(arrival);
    }

    fn allow(&mut self, first: u8, identifier: u16) {
        *self.allowed.entry((first, identifier)).or_default() += 1;
    }

    fn owe(&mut self, first: u8, identifier: u16) {
        *self.owed.entry((first, identifier)).or_default() += 1;
    }

    /// Passes what the client deals with on its own, up to a message that the caller has to get.
    fn pass(&mut self) {
        while let Some(arrival) = self.arrivals.front() {
            match arrival {
                Arrival::Pubrel(identifier) => {
                    let identifier = *identifier;
                    self.unreleased.remove(&identifier);
                    self.owe(0x70, identifier);
                }
                Arrival::Message(message, _) if self.is_repeated(message) => {
                    let identifier = message.identifier;
                    self.owe(0x50, identifier);
                }
                Arrival::Message(_, true) => {}
                Arrival::Message(_, false) | Arrival::Malformed(_) => return,
            }
            self.arrivals.pop_front();
        }
    }

    fn is_repeated(&self, message: &Coming) -> bool {
        message.qos() == 2 && self.unreleased.contains(&message.identifier)
    }

    /// The client tells of a message: the one that is due.
    pub fn tells(&mut self, told: &Told, octets: (&[u8], &[u8])) -> Rc<Coming> {
        if self.is_wild {
            self.told += 1;
            let (topic, payload) = (octets.0.to_vec(), octets.1.to_vec());
            return Rc::new(Coming { first: 0x30 | told.flags, identifier: told.identifier, topic, payload });
        }
        self.pass();
        let Some(Arrival::Message(message, _)) = self.arrivals.pop_front() else {
            panic!(
                "a message that never came, was not read wholly, or came before: {:?}",
                (told.flags, told.identifier, told.payload_len)
            )
        };
        self.told += 1;
        let expected = (message.qos(), message.identifier, message.first & 0x0F);
        assert_eq!((told.qos, told.identifier, told.flags), expected, "not {}, which was due", message.name());
        assert_eq!((told.topic_len, told.payload_len), (message.topic.len(), message.payload.len()), "its lengths");
        assert!(message.is_long() || told.octets.is_some(), "a small message is in the buffer");
        message
    }

    /// What will be left of [`Ledger::pass`]: the client may not have come so far, and never may.
    fn next(&self) -> Option<&Arrival> {
        let mut unreleased = self.unreleased.clone();
        self.arrivals.iter().find(|arrival| match arrival {
            Arrival::Pubrel(identifier) => {
                unreleased.remove(identifier);
                false
            }
            Arrival::Message(message, refused) => {
                !(*refused || message.qos() == 2 && unreleased.contains(&message.identifier))
            }
            Arrival::Malformed(_) => true,
        })
    }

    /// Whether a message is here that the caller has to get.
    pub fn has_message(&self) -> bool {
        !self.is_wild && matches!(self.next(), Some(Arrival::Message(..)))
    }

    /// Whether the next thing to deal with ends the connection.
    pub fn is_malformed(&self) -> bool {
        !self.is_wild && matches!(self.next(), Some(Arrival::Malformed(_)))
    }

    /// There is no memory for the long message in hand, which is the first of these lengths.
    pub fn refuses<'a>(&'a mut self, unread: impl Iterator<Item = &'a mut Arrival>, total: usize, is_topic: bool) {
        self.pass();
        let fits = |message: &Coming| {
            let identifier_len = if message.qos() == 0 { 0 } else { 2 };
            let len = if is_topic { message.topic.len() + identifier_len } else { message.payload.len() };
            message.is_long() && len == total
        };
        for arrival in self.arrivals.iter_mut().chain(unread) {
            match arrival {
                Arrival::Message(message, refused @ false) if fits(message) => {
                    *refused = true;
                    return;
                }
                Arrival::Malformed(Some(message)) if fits(message) => return,
                _ => {}
            }
        }
        assert!(self.is_wild, "a long message that never came asks for {total} octets");
    }

    /// The caller has taken a message.
    pub fn taken(&mut self, message: &Coming) {
        if message.qos() == 2 && !self.is_wild {
            self.unreleased.insert(message.identifier);
            let groups: BTreeSet<u16> = self.unreleased.iter().map(|identifier| identifier / 32).collect();
            assert!(groups.len() <= INCOMING, "more QoS 2 identifiers than the table holds");
            self.owe(0x50, message.identifier);
        }
    }

    /// The caller acknowledges a message on the connection that it came on.
    pub fn acknowledges(&mut self, message: &Coming) {
        if message.qos() == 1 {
            self.owe(0x40, message.identifier);
            self.allow(0x40, message.identifier);
        }
    }

    /// The client has written an acknowledgement.
    pub fn wrote(&mut self, first: u8, identifier: u16) {
        let written = self.written.entry((first, identifier)).or_default();
        *written += 1;
        let allowed = self.allowed.get(&(first, identifier)).copied().unwrap_or_default();
        assert!(
            self.is_wild || *written <= allowed,
            "{first:#x} for {identifier} goes out {written} times, allowed are {allowed}"
        );
    }

    /// The client says that all it had to say has left: what the caller has acknowledged, too.
    pub fn is_flushed(&self) {
        let missing = self.owed.iter().find(|(which, times)| which.0 == 0x40 && self.written.get(which) != Some(times));
        assert!(self.is_wild || missing.is_none(), "acknowledged, and not written: {missing:?}");
    }

    /// All that was read was dealt with, and all that was to be written has left.
    pub fn is_quiet(&mut self) {
        if self.is_wild {
            return;
        }
        self.pass();
        assert!(self.arrivals.is_empty(), "{} messages are never delivered", self.arrivals.len());
        assert_eq!(self.owed, self.written, "acknowledgements owed and written");
    }
}
