//! What a Server knows from the octets that crossed, and what it may hold against the client.
//!
//! It knows what the client has read, but not what of it the client has dealt with: until all is quiet, both have to be
//! allowed for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::messages::Messages;
use super::support::wire::{Raw, Start, start};

/// An exchange that the client began, by its Packet Identifier.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The first octet of its packet, without DUP.
    pub first: u8,
    /// The number of a message, see [`topic`].
    number: u32,
    /// PUBREC was read.
    pub released: bool,
    /// Its last acknowledgement was read.
    pub over: bool,
    /// What was read last may not have been dealt with.
    unsure: bool,
    /// PUBRECs read on this connection that PUBREL has not answered.
    unanswered: u32,
    /// It was acknowledged before it was sent: who knows what the client makes of that.
    early: bool,
    /// The connection on which its packet, or its PUBREL, went out last.
    pub sent_on: u32,
}

/// A message that the caller published.
#[derive(Debug, Clone)]
pub struct Published {
    pub first: u8,
    pub payload: Vec<u8>,
    pub sent: bool,
}

/// The Topic Name of a message: its number, so that it is known wherever it appears.
pub fn topic(number: u32) -> Vec<u8> {
    format!("t/{number}").into_bytes()
}

/// What the Server knows.
#[derive(Debug, Default)]
pub struct Server {
    /// What CONNECT has to be.
    pub connect: Vec<u8>,
    clean: bool,
    pub connection: u32,
    got_connect: bool,
    got_disconnect: bool,
    /// Part of a packet that came.
    got: Vec<u8>,
    /// A part of a packet that came before the connection ended: the rest of it may come with DUP.
    was_cut: bool,
    /// The number of the message that came last on this connection.
    last_number: u32,
    /// Part of a packet that the client has read.
    given: Vec<u8>,
    /// What the client has read is no packet: nothing after it counts.
    pub is_malformed: bool,
    /// The client has read CONNACK.
    accepted: bool,
    /// Packets of this connection by first octet and identifier: read by the client, and written.
    read: HashMap<(u8, u16), u32>,
    pub written: HashMap<(u8, u16), u32>,
    pub exchanges: BTreeMap<u16, Exchange>,
    /// Identifiers acknowledged on this connection before they were in use.
    early: BTreeSet<u16>,
    pub published: HashMap<u32, Published>,
    pub messages: Messages,
}

impl Server {
    /// A new connection, on which this CONNECT is to come.
    pub fn opens(&mut self, connect: Vec<u8>) {
        self.was_cut |= !self.got.is_empty();
        let clean = connect[9] & 0x02 != 0;
        if clean || self.clean {
            self.exchanges.clear();
        }
        self.was_cut &= !(clean || self.clean);
        self.messages.opens(clean);
        // Subscriptions under way end with their connection.
        self.exchanges.retain(|_, exchange| exchange.first >> 4 == 3);
        self.exchanges.values_mut().for_each(|exchange| exchange.unanswered = 0);
        *self = Server {
            connect,
            clean,
            connection: self.connection + 1,
            was_cut: self.was_cut,
            exchanges: std::mem::take(&mut self.exchanges),
            published: std::mem::take(&mut self.published),
            messages: std::mem::take(&mut self.messages),
            ..Server::default()
        };
    }

    /// All that the client has read was dealt with, and all that it has to say was written.
    pub fn is_quiet(&mut self) {
        assert!(!self.is_malformed, "the client goes on after what is no packet");
        assert!(self.got.is_empty(), "the client is quiet in the middle of a packet");
        for (identifier, exchange) in &mut self.exchanges {
            exchange.unsure = false;
            assert!(exchange.early || exchange.unanswered == 0, "PUBREC for {identifier} is not answered");
        }
    }

    /// The messages in flight that were not sent on this connection.
    pub fn unsent(&self) -> Vec<u16> {
        let unsent = |exchange: &Exchange| !exchange.over && !exchange.early && exchange.sent_on != self.connection;
        self.exchanges.iter().filter(|(_, exchange)| unsent(exchange)).map(|(&identifier, _)| identifier).collect()
    }

    /// The client has read these octets.
    pub fn gave(&mut self, octets: &[u8]) {
        self.given.extend_from_slice(octets);
        while !self.is_malformed {
            match start(&self.given) {
                Start::Part => return,
                Start::Malformed => self.is_malformed = true,
                Start::Whole(raw) => {
                    self.given.drain(..raw.len);
                    self.is_malformed = self.gave_packet(&raw).is_none();
                }
            }
        }
    }

    /// `None` if the client must not take this packet.
    fn gave_packet(&mut self, raw: &Raw) -> Option<()> {
        if raw.is_publish() {
            let (_, identifier, _) =
                raw.message().filter(|_| self.accepted && (raw.qos() > 0 || raw.first & 8 == 0))?;
            *self.read.entry((raw.first & 0x36, identifier)).or_default() += 1;
            return self.messages.gave(raw);
        }
        let len = match raw.first {
            0x20 | 0x40 | 0x50 | 0x62 | 0x70 | 0xB0 => 2,
            0x90 => 3,
            0xD0 => 0,
            _ => return None,
        };
        if raw.body.len() != len {
            return None;
        }
        if raw.first == 0x20 {
            let fits = matches!(raw.body[..], [0 | 1, 0]) && !self.accepted && !(self.clean && raw.body[0] == 1);
            if fits {
                self.accepted = true;
                self.messages.accepted(raw.body[0] == 1);
            }
            return fits.then_some(());
        }
        if !self.accepted {
            return None;
        }
        if raw.first == 0xD0 {
            return Some(());
        }
        let identifier = raw.identifier(0)?;
        *self.read.entry((raw.first, identifier)).or_default() += 1;
        if raw.first == 0x62 {
            self.messages.released(identifier);
            return Some(());
        }
        if raw.first == 0x90 && !matches!(raw.body[2], 0..=2 | 0x80) {
            return None;
        }
        let connection = self.connection;
        let Some(exchange) = self.exchanges.get_mut(&identifier) else {
            self.early.insert(identifier);
            return Some(());
        };
        exchange.early |= exchange.sent_on != connection;
        match (exchange.first & 0xF6, raw.first) {
            (0x32, 0x40) | (0x82, 0x90) | (0xA2, 0xB0) => exchange.over = true,
            (0x34, 0x50) => {
                exchange.released = true;
                exchange.unanswered += u32::from(!exchange.over);
            }
            (0x34, 0x70) if exchange.released => exchange.over = true,
            _ => return Some(()),
        }
        exchange.unsure = true;
        Some(())
    }

    /// The client has written these octets.
    pub fn gets(&mut self, octets: &[u8]) {
        self.got.extend_from_slice(octets);
        loop {
            match start(&self.got) {
                Start::Part => return,
                Start::Malformed => panic!("{:x?} is no packet", self.got),
                Start::Whole(raw) => {
                    self.got.drain(..raw.len);
                    self.gets_packet(&raw);
                }
            }
        }
    }

    fn gets_packet(&mut self, raw: &Raw) {
        assert!(!self.got_disconnect, "nothing comes after DISCONNECT, but {raw:x?}");
        if !std::mem::replace(&mut self.got_connect, true) {
            assert_eq!(raw.first, 0x10);
            assert_eq!(raw.body, self.connect[2..], "CONNECT comes first");
            return;
        }
        assert!(self.accepted, "nothing comes before CONNACK, but {raw:x?}");
        match raw.first {
            0xC0 => assert!(raw.body.is_empty(), "PINGREQ"),
            0xE0 => {
                assert!(raw.body.is_empty(), "DISCONNECT");
                self.got_disconnect = true;
            }
            0x30..=0x3F => self.gets_publish(raw),
            0x82 | 0xA2 => {
                let identifier = raw.identifier(0).expect("a Packet Identifier");
                let filter = raw.field(2).expect("a Topic Filter");
                let qos = &raw.body[4 + filter.len()..];
                assert!(filter == b"f/+" && if raw.first == 0x82 { matches!(qos, [0..=2]) } else { qos.is_empty() });
                self.begins(identifier, raw.first, 0);
            }
            0x40 | 0x50 | 0x62 | 0x70 => {
                let identifier = raw.identifier(0).expect("a Packet Identifier");
                assert_eq!(raw.body.len(), 2);
                self.gets_ack(raw.first, identifier);
            }
            _ => panic!("a client does not send {raw:x?}"),
        }
    }

    fn gets_publish(&mut self, raw: &Raw) {
        let (topic, identifier, payload) = raw.message().expect("a PUBLISH");
        let number = std::str::from_utf8(topic).ok().and_then(|topic| topic.strip_prefix("t/"));
        let number = number.and_then(|number| number.parse().ok()).expect("a topic of ours");
        let published = self.published.get_mut(&number).expect("a message that was published");
        assert!(published.payload == payload, "the payload of {number}");
        assert_eq!(published.first, raw.first & !8, "the flags of {number}");
        assert!(number > self.last_number, "messages go out in their order, {number} not after {}", self.last_number);
        self.last_number = number;
        let is_first = !std::mem::replace(&mut published.sent, true);
        let dup = raw.first & 8 != 0;
        if raw.qos() == 0 {
            assert!(!dup && is_first, "{number} at QoS 0 goes out once");
            return;
        }
        assert!(dup || is_first, "{number} goes out again with DUP");
        if let Some(exchange) = self.exchanges.get_mut(&identifier).filter(|_| dup) {
            assert_eq!(exchange.number, number, "the message of identifier {identifier}");
            let is_open = !exchange.over && !exchange.released;
            assert!(is_open || exchange.unsure || exchange.early, "{number} goes out though it was acknowledged");
            assert!(exchange.sent_on != self.connection, "{number} goes out twice");
            exchange.sent_on = self.connection;
            (exchange.over, exchange.released) = (false, false);
        } else {
            assert!(!dup || self.was_cut, "DUP though {number} was never sent");
            self.begins(identifier, raw.first & !8, number);
        }
    }

    fn begins(&mut self, identifier: u16, first: u8, number: u32) {
        let exchange = Exchange {
            first,
            number,
            released: false,
            over: false,
            unsure: false,
            unanswered: 0,
            early: self.early.contains(&identifier),
            sent_on: self.connection,
        };
        let before = self.exchanges.insert(identifier, exchange);
        assert!(before.is_none(), "identifier {identifier} is in use by {before:?}");
    }

    fn gets_ack(&mut self, first: u8, identifier: u16) {
        let read = |first| self.read.get(&(first, identifier)).copied().unwrap_or_default();
        let allowed = match first {
            0x40 => read(0x32),
            0x50 => read(0x34),
            0x70 => read(0x62),
            _ => {
                let exchange = self.exchanges.get_mut(&identifier).expect("PUBREL answers PUBREC to a message");
                let resumes = exchange.sent_on != self.connection;
                assert!(exchange.released || exchange.early, "PUBREL answers PUBREC");
                assert!(!exchange.over || exchange.unsure || exchange.early, "PUBREL after PUBCOMP");
                exchange.sent_on = self.connection;
                exchange.unanswered = exchange.unanswered.saturating_sub(u32::from(!resumes));
                // Sent again once when the session resumes; from then on, it answers.
                if resumes {
                    exchange.over = false;
                    return;
                }
                read(0x50)
            }
        };
        let written = self.written.entry((first, identifier)).or_default();
        *written += 1;
        assert!(*written <= allowed, "{first:#x} for {identifier} goes out {written} times, asked for {allowed} times");
    }
}
