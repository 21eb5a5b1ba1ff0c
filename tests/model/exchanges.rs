//! What the Server knows of the exchanges that the client began.

use std::collections::BTreeMap;

use super::support::wire::Raw;

/// An exchange of the caller's, named by a number that its topic or filter holds.
#[derive(Debug, Clone, Default)]
#[allow(clippy::struct_excessive_bools, reason = "it keeps what it knows")]
pub struct Begun {
    /// First octet of its packet, without DUP.
    pub first: u8,
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
    /// The connection that it began on.
    pub born_on: u32,
    pub born_at: u64,
    /// Milliseconds that had passed by no fault of the client's when it began.
    pub excused_ms: u64,
    /// When its packet had left, on this connection.
    pub sent_at: Option<u64>,
    /// How often it has left.
    pub sent: u32,
    /// When the client has read the first PUBREC, and the last acknowledgement.
    pub pubrec_at: Option<u64>,
    pub answered_at: Option<u64>,
    /// When the first PUBREL left: PUBREC was dealt with by then.
    pub pubrel_at: Option<u64>,
    /// The return code of SUBACK.
    pub code: u8,
    /// Its topic grew above what a packet takes.
    pub spoiled: bool,
    /// Its method has ended.
    pub has_ended: bool,
    /// Nobody waits for it, and the client may have forgotten it.
    pub given_up: bool,
    /// The Server waits for its PUBREL, but the client that began it is no more.
    is_orphan: bool,
    /// The connection after which it must not go out again.
    last_on: Option<u32>,
    identifier: u16,
    sent_on: u32,
    /// PUBRECs that the client has read on this connection, and PUBRELs that it has written.
    pubrecs: u32,
    pubrels: u32,
}

impl Begun {
    pub fn new(first: u8, topic: &[u8], payload: &[u8], born_on: u32) -> Self {
        Begun { first, topic: topic.to_vec(), payload: payload.to_vec(), born_on, ..Begun::default() }
    }

    pub fn is_message(&self) -> bool {
        self.first >> 4 == 3
    }

    pub fn qos(&self) -> u8 {
        if self.is_message() { self.first >> 1 & 3 } else { 1 }
    }
}

/// All exchanges.
#[derive(Debug, Default)]
pub struct Exchanges {
    pub all: BTreeMap<u32, Begun>,
    /// Which of them the Server has and has not been told the end of, by Packet Identifier.
    under_way: BTreeMap<u16, u32>,
    /// Those whose PUBREC the client has read, in that order.
    released: Vec<u32>,
    /// Place in `released` of the last PUBREL that was sent again.
    resumed: Option<usize>,
    /// The number of the packet that came last on this connection.
    last: u32,
    connection: u32,
    /// The Server has said anything: nothing is known of what the client makes of it.
    pub is_wild: bool,
    /// Whether the Server has forgotten exchanges that the client may still know.
    pub has_forgotten: bool,
}

/// The number in a topic `p/12/...` or a filter `f/12/...`.
fn number(topic: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(topic).ok()?;
    text.get(2..)?.split('/').next()?.parse().ok()
}

impl Exchanges {
    /// A new connection.
    pub fn opens(&mut self, connection: u32, clean: bool) {
        if clean {
            self.forget();
            self.has_forgotten = false;
        }
        self.connection = connection;
        self.last = 0;
        self.resumed = None;
        let all = &self.all;
        self.under_way.retain(|_, number| all[number].is_message());
        for begun in self.all.values_mut() {
            begun.sent_at = None;
            begun.pubrecs = 0;
            begun.pubrels = 0;
        }
    }

    /// The Server loses what it knew.
    pub fn forget(&mut self) {
        self.under_way.clear();
        self.released.clear();
        self.has_forgotten = true;
    }

    /// Identifiers in use by the Server's own account.
    pub fn identifiers(&self) -> impl Iterator<Item = u16> {
        self.under_way.keys().copied()
    }

    /// The caller has the client forget it.
    pub fn is_discarded(&mut self, number: u32) {
        let connection = self.connection;
        if let Some(begun) = self.all.get_mut(&number) {
            begun.given_up = true;
            begun.last_on = begun.last_on.or(Some(connection));
        }
    }

    /// Whether nobody waits for one that cannot be sent.
    pub fn has_spoiled_and_left(&self) -> bool {
        self.all.values().any(|begun| begun.spoiled && (begun.has_ended || begun.born_on < self.connection))
    }

    /// Whether a client may soon use this identifier.
    pub fn is_near(&self, identifier: u16) -> bool {
        self.all.values().any(|begun| identifier.wrapping_sub(begun.identifier) < 500)
    }

    /// The client was made anew, and knows nothing of what it has begun. What the Server has of it at QoS 2, it keeps.
    pub fn orphans(&mut self) {
        for number in self.under_way.values() {
            let begun = self.all.get_mut(number).expect("an exchange that was begun");
            begun.is_orphan = begun.first & 0xF6 == 0x34 && begun.answered_at.is_none();
            begun.given_up = true;
        }
    }

    /// Messages that the Server has and has not acknowledged.
    pub fn unanswered(&self) -> Vec<u32> {
        if self.is_wild {
            return Vec::new();
        }
        let is_open = |begun: &Begun| begun.answered_at.is_none() && !begun.given_up && !begun.spoiled;
        self.under_way.values().copied().filter(|number| is_open(&self.all[number])).collect()
    }

    /// The client has read an acknowledgement.
    pub fn gave(&mut self, first: u8, number: u32, code: u8, now: u64) {
        let released = &mut self.released;
        let Some(begun) = self.all.get_mut(&number) else { return };
        match first {
            0x50 if begun.answered_at.is_none() => {
                if !released.contains(&number) {
                    released.push(number);
                }
                begun.pubrec_at = begun.pubrec_at.or(Some(now));
                begun.pubrecs += 1;
            }
            0x50 => begun.pubrecs += 1,
            _ => {
                begun.answered_at = begun.answered_at.or(Some(now));
                begun.code = code;
            }
        }
    }

    /// The client has written PUBLISH, SUBSCRIBE or UNSUBSCRIBE: its number.
    pub fn gets(&mut self, raw: &Raw, now: u64) -> u32 {
        let is_wild = self.is_wild;
        let at = if raw.is_publish() { 0 } else { 2 };
        let topic = raw.field(at).expect("a topic");
        let number = number(topic).unwrap_or_else(|| panic!("a topic of ours, not {topic:?}"));
        assert!(number > self.last, "packets go out in their order, {number} not after {}", self.last);
        self.last = number;
        let connection = self.connection;
        let begun = self.all.get_mut(&number).expect("an exchange that was begun");
        assert!(!begun.spoiled, "{number} cannot be sent, and is");
        assert!(begun.last_on.is_none_or(|last| last >= connection), "{number} goes out, and was discarded");
        assert_eq!(begun.first, raw.first & !if raw.is_publish() { 8 } else { 0 }, "the flags of {number}");
        assert!(begun.topic == topic, "the topic of {number}");
        let dup = raw.is_publish() && raw.first & 8 != 0;
        assert!(is_wild || dup || begun.sent == 0, "{number} goes out again without DUP");
        assert!(!dup || begun.born_on < connection, "{number} goes out with DUP at first");
        let is_new = std::mem::replace(&mut begun.sent_on, connection) != connection;
        assert!(is_wild || is_new, "{number} goes out twice");
        begun.sent += 1;
        begun.sent_at = Some(now);
        let identifier = check_body(raw, begun, number);
        if begun.qos() > 0 {
            // Whatever the client has read before, it has not dealt with.
            begun.answered_at = None;
            begun.pubrec_at = None;
            begun.pubrel_at = None;
            begun.identifier = identifier;
            self.released.retain(|&released| released != number);
            self.takes_identifier(identifier, number);
        }
        number
    }

    fn takes_identifier(&mut self, identifier: u16, number: u32) {
        if let Some(before) = self.under_way.insert(identifier, number) {
            let is_over = self.all[&before].answered_at.is_some() || self.all[&before].given_up;
            // [MQTT-2.3.1-2]
            assert!(
                self.is_wild || !self.all[&before].is_orphan,
                "identifier {identifier} of {number} is that of an old message"
            );
            assert!(
                self.is_wild || before == number || is_over,
                "identifier {identifier} of {number} is in use by {before}"
            );
        }
    }

    /// The client has written PUBREL: the number of the message, if the Server knows it.
    pub fn gets_pubrel(&mut self, identifier: u16, now: u64) -> Option<u32> {
        let Some(&number) = self.under_way.get(&identifier) else {
            assert!(self.is_wild || self.has_forgotten, "PUBREL for {identifier}, of which the Server knows nothing");
            return None;
        };
        let begun = self.all.get_mut(&number).expect("an exchange that was begun");
        if self.is_wild {
            return None;
        }
        assert_eq!(begun.first & 0xF6, 0x34, "PUBREL for {number}");
        let place = self.released.iter().position(|&released| released == number);
        assert!(place.is_some(), "PUBREL for {number} answers PUBREC");
        begun.pubrels += 1;
        begun.pubrel_at = begun.pubrel_at.or(Some(now));
        let resumes = begun.sent_on != self.connection;
        assert!(begun.pubrels <= begun.pubrecs + u32::from(resumes), "PUBREL for {number} answers nothing");
        if resumes && begun.pubrels == 1 && begun.pubrecs == 0 {
            // [MQTT-4.6.0-4]
            assert!(self.resumed < place, "PUBREL of {number} goes out again out of order");
            self.resumed = place;
        }
        Some(number)
    }

    /// All is quiet on a session that was resumed: what is in flight has gone out again.
    pub fn is_quiet(&self) {
        if self.is_wild {
            return;
        }
        for number in self.unanswered() {
            let begun = &self.all[&number];
            let is_sent = begun.sent_on == self.connection || begun.pubrels > 0;
            assert!(is_sent, "{number} is in flight, and not sent again: {begun:?}");
            assert!(begun.pubrels >= begun.pubrecs, "PUBREC for {number} is not answered");
        }
    }

    pub fn identifier(&self, number: u32) -> u16 {
        self.all[&number].identifier
    }
}

/// Checks what follows the topic: the Packet Identifier, 0 for none.
fn check_body(raw: &Raw, begun: &Begun, number: u32) -> u16 {
    if raw.is_publish() {
        let (_, identifier, payload) = raw.message().expect("a PUBLISH");
        assert!(begun.payload == payload, "the payload of {number}");
        return identifier;
    }
    let qos = &raw.body[4 + begun.topic.len()..];
    assert!(if raw.first == 0x82 { matches!(qos, [0..=2]) } else { qos.is_empty() }, "the end of {number}");
    raw.identifier(0).expect("a Packet Identifier")
}
