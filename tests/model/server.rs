//! A Server that keeps to the standard, and otherwise does what chance says.

use std::collections::VecDeque;

use super::chance::Chance;
use super::exchanges::Exchanges;
use super::habits::Habits;
use super::ledger::{Arrival, Ledger};
use super::support::packets;
use super::support::wire::{Raw, Start, start};
use super::talk::Unacknowledged;

/// What the Server goes by at one moment.
pub struct Moment<'a> {
    pub habits: &'a Habits,
    pub chance: &'a mut Chance,
    pub now: u64,
}

/// What lies between the Server and the client's end of the stream.
#[derive(Debug, Clone)]
pub enum Line {
    Octets(Vec<u8>),
    End,
    Reset,
}

/// What the client has read, once it has read it wholly.
#[derive(Debug)]
pub enum Note {
    Connack {
        present: bool,
    },
    Arrival(Arrival),
    Ack {
        first: u8,
        number: u32,
        code: u8,
    },
    Pingresp,
    /// Nobody knows.
    Wild,
}

/// What the Server will say at its time.
#[derive(Debug, Clone, Copy)]
enum Later {
    Connack,
    Ack {
        first: u8,
        number: u32,
        code: u8,
    },
    Pubrel(u16),
    /// PUBCOMP to a message that it knows nothing of.
    Pubcomp(u16),
    Pingresp,
    End,
}

/// The Server, from its own end and from what the client has read of it.
#[allow(clippy::struct_excessive_bools, reason = "it keeps what it knows")]
#[derive(Debug, Default)]
pub struct Server {
    pub connection: u32,
    clean: bool,
    /// CONNECT, as it has to come.
    pub connect: Vec<u8>,
    has_session: bool,
    got: Vec<u8>,
    got_connect: bool,
    pub got_disconnect: bool,
    /// It has ended the stream.
    pub has_ended: bool,
    /// It sends no packets any more.
    pub is_gone: bool,
    /// It has sent what ends the connection.
    pub is_malformed: bool,
    /// The client has read a CONNACK that accepts.
    pub is_accepted: bool,
    pub line: VecDeque<(u64, Line)>,
    later: Vec<(u64, Later)>,
    /// Octets put into the line on this connection, and those that the client has read.
    put: u64,
    given: u64,
    unread: VecDeque<(u64, Note)>,
    pub exchanges: Exchanges,
    pub ledger: Ledger,
    pub unacknowledged: Vec<Unacknowledged>,
    pub messages: u32,
    /// When octets of a packet with a topic left last.
    pub progress_at: u64,
    /// When PINGREQ left of which nothing was heard since, and whether its answer is to come.
    pub probed_at: Option<u64>,
    pub awaits_pingresp: bool,
    /// A PINGRESP that was read may lie in the client's buffer, and be taken for the answer to a later PINGREQ, as one was.
    pub has_pingresp: bool,
    pub is_unsure: bool,
    /// When the PINGREQs left whose PINGRESPs have not come.
    pub pinged_at: VecDeque<u64>,
}

impl Server {
    /// A new stream. `clean` is what CONNECT will say.
    pub fn opens(&mut self, clean: bool, moment: &mut Moment) {
        if clean || self.clean {
            self.exchanges.forget();
            self.unacknowledged.clear();
            self.has_session = false;
        }
        self.connection += 1;
        self.exchanges.opens(self.connection, clean || self.clean);
        self.ledger.opens(clean || self.clean);
        self.clean = clean;
        self.got.clear();
        self.got_connect = false;
        self.got_disconnect = false;
        self.has_ended = false;
        self.is_gone = false;
        self.is_malformed = false;
        self.is_accepted = false;
        self.line.clear();
        self.later.clear();
        self.put = 0;
        self.given = 0;
        self.unread.clear();
        self.progress_at = moment.now;
        self.probed_at = None;
        self.awaits_pingresp = false;
        self.has_pingresp = false;
        self.is_unsure = false;
        self.pinged_at.clear();
    }

    /// The next moment at which the Server does something.
    pub fn next_at(&self) -> Option<u64> {
        self.later.iter().map(|&(at, _)| at).chain(self.line.front().map(|&(at, _)| at)).min()
    }

    /// Whether a part of a packet has come.
    pub fn is_in_a_packet(&self) -> bool {
        !self.got.is_empty()
    }

    fn says_later(&mut self, later: Later, moment: &mut Moment) {
        let at = moment.now + moment.chance.ms(moment.habits.answer_ms);
        self.later.push((at, later));
    }

    /// Says an answer later, not at all, or twice.
    fn answers(&mut self, later: Later, moment: &mut Moment) {
        if moment.chance.one_in(moment.habits.silent) {
            return;
        }
        self.says_later(later, moment);
        if moment.chance.one_in(moment.habits.twice) {
            self.says_later(later, moment);
        }
    }

    /// Says what it is time for.
    pub fn ticks(&mut self, moment: &mut Moment) {
        while let Some(place) = self.later.iter().position(|&(at, _)| at <= moment.now) {
            let (_, later) = self.later.remove(place);
            self.says(later, moment);
        }
    }

    fn says(&mut self, later: Later, moment: &mut Moment) {
        match later {
            Later::Connack => self.accepts(moment),
            Later::Ack { first, number, code } => {
                let identifier = self.exchanges.identifier(number);
                let note = Note::Ack { first, number, code };
                if first == 0x90 {
                    self.puts(&packets::suback(identifier, code), note, moment);
                } else {
                    self.puts(&[&[first, 2][..], &identifier.to_be_bytes()].concat(), note, moment);
                }
            }
            Later::Pubrel(identifier) => {
                self.puts(&packets::pubrel(identifier), Note::Arrival(Arrival::Pubrel(identifier)), moment);
            }
            Later::Pubcomp(identifier) => {
                let note = Note::Ack { first: 0x70, number: 0, code: 0 };
                self.puts(&packets::pubcomp(identifier), note, moment);
            }
            Later::Pingresp => self.puts(&packets::PINGRESP, Note::Pingresp, moment),
            Later::End => self.ends(Line::End, moment),
        }
    }

    /// The client has said what the Server has no word for, since it was told so itself.
    fn is_wild(&self) -> bool {
        self.ledger.is_wild
    }

    /// Puts octets into the line, in pieces.
    pub fn puts(&mut self, octets: &[u8], note: Note, moment: &mut Moment) {
        if self.is_gone || octets.is_empty() {
            return;
        }
        let note = if self.is_wild() { Note::Wild } else { note };
        self.put += octets.len() as u64;
        self.unread.push_back((self.put, note));
        let mut at = self.line.back().map_or(moment.now, |&(at, _)| at).max(moment.now);
        let piece = if moment.habits.piece == 0 { octets.len() } else { moment.habits.piece };
        for piece in octets.chunks(piece.max(octets.len() / 50)) {
            if moment.habits.piece > 0 && moment.chance.one_in(8) {
                at += moment.chance.ms(20);
            }
            self.line.push_back((at, Line::Octets(piece.to_vec())));
        }
    }

    fn accepts(&mut self, moment: &mut Moment) {
        if moment.chance.one_in(moment.habits.forgets) {
            self.has_session = false;
            self.exchanges.forget();
            self.unacknowledged.clear();
        }
        let present = if self.clean { moment.chance.one_in(moment.habits.present_anyway) } else { self.has_session };
        self.has_session = !self.clean;
        self.puts(&[0x20, 2, present.into(), 0], Note::Connack { present: present && !self.clean }, moment);
        // What is not acknowledged goes out again, in its order.
        for place in 0..self.unacknowledged.len() {
            let sent = &mut self.unacknowledged[place];
            sent.awaited = 0;
            let identifier = sent.message.identifier;
            if sent.is_received {
                sent.awaited = 1;
                self.says(Later::Pubrel(identifier), moment);
            } else {
                self.repeats(place, moment);
            }
        }
    }

    pub fn unacknowledged(&mut self, identifier: u16) -> Option<&mut Unacknowledged> {
        self.unacknowledged.iter_mut().find(|sent| sent.message.identifier == identifier)
    }

    /// The connection ends, after what is on its way or at once.
    pub fn breaks(&mut self, moment: &mut Moment) {
        if !self.has_ended && moment.chance.one_in(2) {
            self.line.clear();
        }
        let end = if moment.chance.one_in(2) { Line::End } else { Line::Reset };
        self.ends(end, moment);
    }

    fn ends(&mut self, end: Line, moment: &Moment) {
        self.is_gone = true;
        if !std::mem::replace(&mut self.has_ended, true) {
            let at = self.line.back().map_or(moment.now, |&(at, _)| at).max(moment.now);
            self.line.push_back((at, end));
        }
    }

    /// Things that came and are not read.
    pub fn unread_arrivals(&mut self) -> (&mut Ledger, impl Iterator<Item = &mut Arrival>) {
        let arrivals = self.unread.iter_mut().filter_map(|(_, note)| match note {
            Note::Arrival(arrival) => Some(arrival),
            _ => None,
        });
        (&mut self.ledger, arrivals)
    }

    /// Whether the answer that lets an exchange go on has come, or lies in the next so many octets.
    pub fn has_answer(&self, number: u32, here: u64) -> bool {
        let begun = &self.exchanges.all[&number];
        let awaits_pubrec = begun.pubrec_at.is_none() && begun.qos() == 2;
        begun.answered_at.is_some()
            || self.unread.iter().take_while(|(end, _)| *end <= self.given + here).any(|(_, note)| {
                matches!(note, Note::Ack { first, number: answered, .. }
                    if *answered == number && (*first == 0x50) == awaits_pubrec)
            })
    }

    /// Whether the client has read all that there was.
    pub fn is_read(&self) -> bool {
        self.unread.is_empty()
    }

    /// The client has read so many octets.
    pub fn gave(&mut self, len: usize, now: u64) {
        self.given += len as u64;
        self.probed_at = None;
        while self.unread.front().is_some_and(|(end, _)| *end <= self.given) {
            match self.unread.pop_front().expect("the front").1 {
                Note::Connack { present } => {
                    self.is_accepted = true;
                    if !present {
                        self.ledger.is_fresh();
                    }
                }
                Note::Wild => self.is_accepted = true,
                Note::Arrival(arrival) => self.ledger.read(arrival),
                Note::Ack { first, number, code } => self.exchanges.gave(first, number, code, now),
                Note::Pingresp => {
                    self.awaits_pingresp = false;
                    self.has_pingresp = true;
                    // PINGREQ may have left in part.
                    self.is_unsure = !self.got.is_empty();
                    self.pinged_at.pop_front();
                }
            }
        }
    }

    /// The client has written these octets.
    pub fn gets(&mut self, octets: &[u8], moment: &mut Moment) {
        self.got.extend_from_slice(octets);
        loop {
            // What has a topic; CONNECT too.
            if self.got.first().is_some_and(|first| matches!(first >> 4, 1 | 3 | 8 | 10)) {
                self.progress_at = moment.now;
            }
            match start(&self.got) {
                Start::Part => return,
                Start::Malformed => panic!("{:x?} is no packet", self.got),
                Start::Whole(raw) => {
                    self.got.drain(..raw.len);
                    self.gets_packet(&raw, moment);
                }
            }
        }
    }

    fn gets_packet(&mut self, raw: &Raw, moment: &mut Moment) {
        assert!(!self.got_disconnect, "nothing comes after DISCONNECT, but {raw:x?}");
        if !std::mem::replace(&mut self.got_connect, true) {
            assert!(raw.first == 0x10 && self.connect.ends_with(&raw.body), "CONNECT comes first, as it has to be");
            assert_eq!(raw.len, self.connect.len());
            if !moment.chance.one_in(moment.habits.no_connack) {
                self.says_later(Later::Connack, moment);
            }
            return;
        }
        assert!(self.is_accepted || self.is_wild(), "nothing comes before CONNACK, but {raw:x?}");
        match raw.first {
            0xC0 => self.gets_pingreq(moment),
            0xE0 => {
                self.got_disconnect = true;
                self.says_later(Later::End, moment);
            }
            0x30..=0x3F | 0x82 | 0xA2 => self.gets_begun(raw, moment),
            0x40 | 0x50 | 0x62 | 0x70 => self.gets_ack(raw, moment),
            _ => panic!("a client does not send {raw:x?}"),
        }
    }

    fn gets_pingreq(&mut self, moment: &mut Moment) {
        self.probed_at = self.probed_at.or(Some(moment.now));
        self.awaits_pingresp = true;
        self.is_unsure |= self.has_pingresp;
        self.pinged_at.push_back(moment.now);
        if !moment.chance.one_in(moment.habits.no_pingresp) {
            self.says_later(Later::Pingresp, moment);
        }
    }

    fn gets_begun(&mut self, raw: &Raw, moment: &mut Moment) {
        let number = self.exchanges.gets(raw, moment.now);
        let (first, code) = match raw.first & 0xF6 {
            0x30 => return,
            0x32 => (0x40, 0),
            0x34 => (0x50, 0),
            0x82 => (0x90, if moment.chance.one_in(4) { 0x80 } else { 0 }),
            _ => (0xB0, 0),
        };
        self.answers(Later::Ack { first, number, code }, moment);
    }

    fn gets_ack(&mut self, raw: &Raw, moment: &mut Moment) {
        let identifier = raw.identifier(0).expect("a Packet Identifier");
        assert_eq!(raw.body.len(), 2);
        if raw.first == 0x62 {
            match self.exchanges.gets_pubrel(identifier, moment.now) {
                Some(number) if moment.habits.pubrec_again => {
                    self.says_later(Later::Ack { first: 0x50, number, code: 0 }, moment);
                }
                Some(number) => self.answers(Later::Ack { first: 0x70, number, code: 0 }, moment),
                None => self.says_later(Later::Pubcomp(identifier), moment),
            }
            return;
        }
        self.ledger.wrote(raw.first, identifier);
        let Some(place) = self.unacknowledged.iter().position(|sent| sent.message.identifier == identifier) else {
            return;
        };
        let sent = &mut self.unacknowledged[place];
        sent.awaited = sent.awaited.saturating_sub(1);
        sent.is_received |= raw.first == 0x50;
        if raw.first == 0x50 {
            self.says_later(Later::Pubrel(identifier), moment);
            // Its PUBCOMP is to come.
            self.unacknowledged[place].awaited += 1;
        } else if sent.awaited == 0 {
            self.unacknowledged.remove(place);
        }
    }
}
