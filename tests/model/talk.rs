//! What the Server has to say: messages of all kinds, once and again.

use std::rc::Rc;

use super::chance::Chance;
use super::ledger::{Arrival, Coming};
use super::server::{Moment, Note, Server};
use super::support::packets;

/// Messages at QoS 1 and 2 that the Server has under way at most, and what their identifiers are below.
const MOST_UNACKNOWLEDGED: usize = 20;
const IDENTIFIERS: u16 = 60;

/// A message at QoS 1 or 2 that the client has not acknowledged.
#[derive(Debug)]
pub struct Unacknowledged {
    pub message: Rc<Coming>,
    /// PUBREC has come.
    pub is_received: bool,
    /// PUBRECs and PUBCOMPs that are to come on this connection.
    pub awaited: u32,
}

/// Messages of a case, after which the Server has nothing to say: it has to come to its end.
const MOST_MESSAGES: u32 = 3_000;

/// An identifier of one octet or of both, for a small number.
const fn spread(number: u16) -> u16 {
    let number = if number > IDENTIFIERS { 1 } else { number };
    if number % 2 == 0 { number } else { number + 0x1200 }
}

impl Server {
    /// Has something to say: a message, or one once more.
    pub fn talks(&mut self, moment: &mut Moment) {
        if !self.is_accepted || self.got_disconnect || self.is_gone || self.messages > MOST_MESSAGES {
            return;
        }
        if moment.chance.one_in(moment.habits.twice) && !self.unacknowledged.is_empty() {
            let place = moment.chance.below(self.unacknowledged.len());
            if !self.unacknowledged[place].is_received {
                self.repeats(place, moment);
                return;
            }
        }
        let message = self.draws(moment);
        self.sends(message, moment);
    }

    #[allow(clippy::unused_self)]
    pub fn draws_identifier(&self, chance: &mut Chance) -> u16 {
        spread(1 + u16::try_from(chance.below(IDENTIFIERS.into())).expect("a small number"))
    }

    /// Messages without a pause.
    pub fn floods(&mut self, moment: &mut Moment) {
        for _ in 0..if self.is_accepted && !self.is_gone { moment.habits.flood } else { 0 } {
            self.messages += 1;
            let (topic, payload) = (format!("m/{}", self.messages).into_bytes(), packets::numbered(100));
            self.sends(Coming { first: 0x30, identifier: 0, topic, payload }, moment);
        }
    }

    pub fn draws(&mut self, moment: &mut Moment) -> Coming {
        let chance = &mut *moment.chance;
        self.messages += 1;
        let mut topic = format!("m/{}/", self.messages).into_bytes();
        let is_long = chance.one_in(moment.habits.long);
        let topic_len = if is_long { chance.pick(&[0, 300, 760, 1_000]) } else { chance.pick(&[0, 0, 20, 300]) };
        // Characters of all lengths, so that pieces end inside of them.
        for character in "aé€😀".bytes().collect::<Vec<_>>().chunks(10).cycle().take(topic_len / 10) {
            topic.extend_from_slice(character);
        }
        let most = umqtt::settings::RX_BUFFER;
        let payload_len = if is_long {
            let around = (most + 8).saturating_sub(topic.len()).saturating_sub(chance.below(24));
            let len = chance.pick(&[around, around, most, 2_100, 5_000, 20_000]);
            len + chance.below(len / 50 + 1)
        } else {
            chance.pick(&[0, 5, 50, 120, 400])
        };
        let mut first = 0x30 | u8::from(chance.one_in(4));
        let mut identifier = 0;
        let has_room = self.unacknowledged.len() < MOST_UNACKNOWLEDGED;
        let qos = chance.pick(&[0, 1, 2]);
        if has_room && qos > 0 {
            identifier = self.draws_identifier(chance);
            while self.unacknowledged(identifier).is_some() {
                identifier = spread(identifier % 0x1200 + 1);
            }
            first |= qos << 1;
        }
        let seed = self.messages.to_le_bytes();
        let payload = packets::numbered(payload_len).iter().map(|octet| octet ^ seed[0]).collect();
        Coming { first, identifier, topic, payload }
    }

    fn sends(&mut self, message: Coming, moment: &mut Moment) {
        let message = Rc::new(message);
        if message.identifier > 0 {
            let message = message.clone();
            self.unacknowledged.push(Unacknowledged { message, is_received: false, awaited: 1 });
        }
        self.puts(&message.octets(), Note::Arrival(Arrival::Message(message, false)), moment);
    }

    /// Sends a message once more, with DUP.
    pub fn repeats(&mut self, place: usize, moment: &mut Moment) {
        let sent = &mut self.unacknowledged[place];
        sent.awaited += 1;
        let message = Rc::new(Coming { first: sent.message.first | 8, ..(*sent.message).clone() });
        self.puts(&message.octets(), Note::Arrival(Arrival::Message(message, false)), moment);
    }
}
