//! What the caller has to get of the messages that the client has read: each in its turn, at QoS 2 once.

use std::collections::{BTreeSet, HashMap, VecDeque};

use umqtt::codec::{Delivery, PacketIdentifier};
use umqtt::settings::{INCOMING, RX_BUFFER};

use super::support::caller::{Appetite, Received};
use super::support::wire::Raw;

/// What the client has read, in its order.
#[derive(Debug)]
enum Arrival {
    Message(Received, bool),
    Pubrel(u16),
    /// CONNACK: the Server knows nothing of the session.
    Fresh,
}

/// Messages on their way to the caller.
#[derive(Debug, Default)]
pub struct Messages {
    /// What was read and not yet seen to be dealt with.
    arrivals: VecDeque<Arrival>,
    /// QoS 2 identifiers delivered and not released.
    unreleased: BTreeSet<u16>,
    /// Those released since all was quiet.
    released_lately: BTreeSet<u16>,
    /// Those of which nobody knows, since the connection ended.
    unsure: BTreeSet<u16>,
    /// Acknowledgements that are due, by first octet and identifier.
    pub due: HashMap<(u8, u16), u32>,
    pub appetite: Option<Appetite>,
}

impl Messages {
    /// A new connection.
    pub fn opens(&mut self, clean: bool) {
        self.arrivals.clear();
        self.due.clear();
        let lately = std::mem::take(&mut self.released_lately);
        self.unsure.extend(lately.difference(&self.unreleased));
        if clean {
            self.unsure.clear();
            self.unreleased.clear();
        }
    }

    /// The client has read CONNACK.
    pub fn accepted(&mut self, session_present: bool) {
        if !session_present {
            self.arrivals.push_back(Arrival::Fresh);
        }
    }

    /// The client has read PUBREL.
    pub fn released(&mut self, identifier: u16) {
        self.arrivals.push_back(Arrival::Pubrel(identifier));
    }

    /// The client has read a PUBLISH: `None` if it must not take it.
    pub fn gave(&mut self, raw: &Raw) -> Option<()> {
        let (topic, identifier, payload) = raw.message()?;
        let is_long = raw.len > RX_BUFFER;
        let is_unseen = is_long && !matches!(self.appetite, Some(Appetite::Takes(_)));
        let text = std::str::from_utf8(topic);
        if topic.is_empty() || !(is_unseen || text.is_ok_and(|text| !text.contains(['\0', '+', '#']))) {
            return None;
        }
        let delivery = match (raw.qos(), PacketIdentifier::new(identifier)) {
            (1, Some(identifier)) => Delivery::AtLeastOnce(identifier),
            (2, Some(identifier)) => Delivery::ExactlyOnce(identifier),
            _ => Delivery::AtMostOnce,
        };
        let received = Received { topic: topic.to_vec(), payload: payload.to_vec(), delivery };
        self.arrivals.push_back(Arrival::Message(received, is_long));
        Some(())
    }

    /// The caller got these messages, and `is_quiet` tells that there are no others.
    pub fn got(&mut self, received: Vec<Received>, is_quiet: bool) {
        let mut received = received.into_iter().peekable();
        while let Some(arrival) = self.arrivals.pop_front() {
            match arrival {
                Arrival::Fresh => self.released_lately.append(&mut self.unreleased),
                Arrival::Pubrel(identifier) => {
                    if self.unreleased.remove(&identifier) || self.unsure.remove(&identifier) {
                        self.released_lately.insert(identifier);
                    }
                    self.owe(0x70, identifier);
                }
                Arrival::Message(message, is_long) => {
                    let identifier = message.delivery.packet_identifier().map_or(0, PacketIdentifier::get);
                    let at_qos_2 = matches!(message.delivery, Delivery::ExactlyOnce(_));
                    let expected = match self.appetite {
                        Some(Appetite::Drops) if is_long => {
                            Received { topic: b"(dropped)".to_vec(), payload: Vec::new(), delivery: message.delivery }
                        }
                        _ => message.clone(),
                    };
                    let is_refused = is_long && self.appetite == Some(Appetite::Refuses);
                    let may_be_repeated = at_qos_2 && self.unsure.contains(&identifier);
                    let is_repeated = at_qos_2 && self.unreleased.contains(&identifier)
                        || may_be_repeated && !is_refused && received.peek().map_or(is_quiet, |got| *got != expected);
                    if is_repeated {
                        self.unsure.remove(&identifier);
                        self.unreleased.insert(identifier);
                        self.owe(0x50, identifier);
                        continue;
                    }
                    if is_refused {
                        continue;
                    }
                    let Some(got) = received.next() else {
                        self.arrivals.push_front(Arrival::Message(message, is_long));
                        break;
                    };
                    assert!(got == expected, "not the message that was due: {:?}", got.delivery);
                    if at_qos_2 {
                        self.unsure.remove(&identifier);
                        self.unreleased.insert(identifier);
                        self.owe(0x50, identifier);
                    } else if identifier != 0 {
                        self.owe(0x40, identifier);
                    }
                }
            }
        }
        assert!(received.next().is_none(), "a message that never came, or came before");
        let groups: BTreeSet<u16> = self.unreleased.iter().map(|identifier| identifier / 32).collect();
        assert!(groups.len() <= INCOMING, "more QoS 2 identifiers than the table holds");
        if is_quiet {
            assert!(self.arrivals.is_empty(), "never delivered: {:?}", self.arrivals);
            self.released_lately.clear();
        }
    }

    /// Whether it is known what is due.
    pub fn is_sure(&self) -> bool {
        self.unsure.is_empty() && self.appetite != Some(Appetite::Refuses)
    }

    fn owe(&mut self, first: u8, identifier: u16) {
        *self.due.entry((first, identifier)).or_default() += 1;
    }
}
