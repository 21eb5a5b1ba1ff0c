//! Does what the input says. What must come of it stands in `promises`.

use std::collections::{BTreeSet, VecDeque};

use umqtt::client::{Awaited, Error, Step};
use umqtt::codec::{Connect, Delivery, QoS};
use umqtt::session::{Exchange, SessionError};
use umqtt::settings::IN_FLIGHT;

use super::server::{Published, topic};
use super::support::caller::{Appetite, Caller, TIMEOUT_MS};
use super::support::packets;
use super::support::stream::{Fault, Input, Output};
use super::tap::Tap;

/// What an act can come to.
pub type Told<T> = Result<T, Error<Fault>>;

/// Octets of an input and what they have come to.
pub struct Driver<'a> {
    input: std::slice::Iter<'a, u8>,
    pub caller: Caller<Tap>,
    /// CONNECT of the connection in hand.
    pub connect: Connect<'static>,
    pub connecting: bool,
    pub disconnecting: bool,
    /// Octets in a piece that comes in; 0: all.
    pub piece: usize,
    /// The number of the last message published.
    number: u32,
    /// Slots whose outcome the caller waits for.
    pub awaited: BTreeSet<u8>,
    /// Messages that the caller has not acknowledged yet.
    pub unacknowledged: VecDeque<Delivery>,
    pub pings: usize,
}

impl<'a> Driver<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        let connect = Connect {
            client_identifier: b"c",
            clean_session: true,
            keep_alive_s: 60,
            will: None,
            user_name: None,
            password: None,
        };
        Driver {
            input: input.iter(),
            caller: Caller::new(Tap::default()),
            connect,
            connecting: false,
            disconnecting: false,
            piece: 0,
            number: 0,
            awaited: BTreeSet::new(),
            unacknowledged: VecDeque::new(),
            pings: 0,
        }
    }

    /// The whole input, and what has to come of it in the end.
    pub fn run(mut self) {
        while let Some(&act) = self.input.next() {
            self.act(act);
            self.look(false);
        }
        self.ends();
    }

    /// The next parameter; 0 when there is none.
    fn next(&mut self) -> u8 {
        self.input.next().copied().unwrap_or_default()
    }

    fn act(&mut self, act: u8) {
        match act {
            0x00 => {
                let how = self.next();
                self.opens(how);
            }
            0x01 => {
                let len = self.next();
                let octets: Vec<u8> = (0..len).map_while(|_| self.input.next().copied()).collect();
                self.comes(&octets);
            }
            0x02 => {
                let (flags, code) = (self.next(), self.next());
                self.comes(&[0x20, 2, flags, code]);
            }
            0x03 => {
                let (flags, identifier, lens) = (self.next() & 0x0F, self.next(), self.next());
                // Lengths around the receive buffer, of the topic and of the payload.
                let topic = vec![b'i'; [1, 20, 300, 800][usize::from(lens & 3)]];
                let payload = packets::numbered([0, 5, 120, 700, 760, 900, 2_000, 4_000][usize::from(lens >> 2 & 7)]);
                self.comes(&packets::publish(0x30 | flags, &topic, wide(identifier), &payload));
            }
            0x04 => {
                let (which, identifier) = (self.next(), self.next());
                let start = [[0x40, 2], [0x50, 2], [0x62, 2], [0x70, 2], [0xB0, 2], [0x90, 3]][usize::from(which % 6)];
                let code: &[u8] = if start[0] == 0x90 { &[(which / 6 % 4) | which & 0x80] } else { &[] };
                self.comes(&[&start[..], &wide(identifier).to_be_bytes(), code].concat());
            }
            0x05 => self.comes(&packets::PINGRESP),
            0x06 => {
                let input = [Input::WouldBlock, Input::Broken, Input::End][usize::from(self.next() % 3)].clone();
                self.caller.stream.script.inputs.push_back(input);
            }
            0x07 => {
                let output = output(self.next());
                self.caller.stream.script.outputs.push_back(output);
            }
            0x08 => {
                let how = self.next();
                self.caller.stream.script.then = (how > 0).then(|| output(how));
            }
            0x09 => self.publishes(),
            0x0A => {
                let qos = qos(self.next());
                let told = self.caller.subscribe(b"f/+", qos);
                self.begun(told);
            }
            0x0B => {
                let told = self.caller.unsubscribe(b"f/+");
                self.begun(told);
            }
            0x0C => {
                let told = self.caller.client.ping(self.caller.now);
                self.pings += usize::from(told == Ok(true));
                self.told(None, told.map(|_| ()));
            }
            0x0D => self.disconnects(),
            0x0E => {
                let (which, may_read) = (self.next(), self.next());
                let awaited = self.what(which);
                let _ = self.poll(awaited, may_read & 1 == 0);
            }
            0x0F => {
                let ms = [1, 999, 5_000, 19_999, 20_000, 45_000, 60_000, 3_000_000];
                let which = self.next();
                self.caller.pass_ms(ms[usize::from(which % 8)]);
            }
            0x10 => self.closes(),
            0x11 => {
                let slot = self.next() % 8;
                self.caller.client.abandon(slot);
                self.awaited.remove(&slot);
            }
            0x12 => self.settles(),
            0x13 => self.waits(),
            0x14 => self.answers(),
            0x15 => self.piece = self.next().into(),
            0x16 => self.acknowledges(),
            _ => {}
        }
    }

    /// A new stream and CONNECT.
    pub fn opens(&mut self, how: u8) {
        self.connect.clean_session = how & 1 == 0;
        self.connect.keep_alive_s = if how & 2 == 0 { 60 } else { 0 };
        let appetite =
            [Appetite::Takes(1_000), Appetite::Drops, Appetite::Refuses, Appetite::Takes(1)][usize::from(how >> 2 & 3)];
        let keep_alive_s = self.connect.keep_alive_s.to_be_bytes()[1];
        let flags = if self.connect.clean_session { 0x02 } else { 0x00 };
        let octets = vec![0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, flags, 0, keep_alive_s, 0, 1, b'c'];
        self.closes();
        self.caller.appetite = appetite;
        self.caller.acknowledges = how & 0x40 == 0;
        self.caller.stream.renew();
        self.caller.stream.script.gathers = how & 0x10 != 0;
        self.caller.stream.script.drains = how & 0x20 != 0;
        self.caller.stream.server.messages.appetite = Some(appetite);
        self.caller.stream.server.opens(octets);
        self.caller
            .client
            .open::<Fault>(&self.connect, TIMEOUT_MS, self.caller.now)
            .expect("a packet that can be sent");
        self.connecting = true;
        self.connects();
    }

    /// One step towards CONNACK.
    pub fn connects(&mut self) {
        let Caller { client, stream, now, .. } = &mut self.caller;
        let told = client.connect(stream, &self.connect, true, *now);
        self.connecting = told.is_ok_and(|step| step != Step::Done);
        assert_eq!(told == Ok(Step::Done), self.caller.client.is_open());
        self.told(Some(Awaited::Connack), told.map(|_| ()));
    }

    /// The caller gives the connection up.
    pub fn closes(&mut self) {
        self.caller.client.close();
        self.caller.forget_rooms();
        self.connecting = false;
        self.disconnecting = false;
        self.unacknowledged.clear();
        self.awaited.clear();
    }

    /// Octets come from the Server.
    pub fn comes(&mut self, octets: &[u8]) {
        let piece = if self.piece == 0 { octets.len().max(1) } else { self.piece };
        octets.chunks(piece).for_each(|piece| self.caller.stream.script.gives(piece));
    }

    fn publishes(&mut self) {
        let (how, len) = (self.next(), self.next());
        let qos = qos(how);
        let len = usize::from(len) * if how & 0x80 == 0 { 1 } else { 16 };
        let topic = topic(self.number + 1);
        let payload = packets::numbered(len);
        let published = Published { first: 0x30 | (qos as u8) << 1, payload: payload.clone(), sent: false };
        self.number += 1;
        self.caller.stream.server.published.insert(self.number, published);
        let told = self.caller.publish(&topic, &payload, qos);
        self.begun(told);
    }

    /// An exchange began, or could not.
    fn begun(&mut self, told: Told<(u8, Step)>) {
        match told {
            Ok((slot, Step::Wait(_))) => {
                self.awaited.insert(slot);
            }
            Err(Error::Session(SessionError::OutgoingFull)) => {
                let in_use = self.caller.client.slots_in_use().count_ones() as usize;
                assert!(in_use + 1 >= IN_FLIGHT, "full with {in_use} slots in use");
            }
            told => self.told(None, told.map(|_| ())),
        }
    }

    fn disconnects(&mut self) {
        let ends = self.next() & 1 == 0;
        let told = self.caller.client.disconnect();
        if let Ok(queued) = told {
            self.disconnecting = queued;
            if ends && queued {
                let _ = self.poll(Awaited::Flushed, false);
                self.caller.client.drain(&mut self.caller.stream);
                self.closes();
            }
        }
        self.told(None, told.map(|_| ()));
    }

    fn what(&self, which: u8) -> Awaited {
        let qos = qos(which >> 3);
        match which & 7 {
            0 | 1 => Awaited::Message,
            2 => self.awaited.first().map_or(Awaited::Message, |&slot| Awaited::Slot(slot)),
            3 => self.awaited.last().map_or(Awaited::Message, |&slot| Awaited::Slot(slot)),
            4 => Awaited::RoomFor(Exchange::Publish { qos, retain: false }),
            5 => Awaited::Outbox,
            6 => Awaited::Flushed,
            _ => Awaited::RoomFor(Exchange::Unsubscribe),
        }
    }
}

/// Small identifiers, in groups that lie apart from 128 on.
fn wide(identifier: u8) -> u16 {
    let identifier = u16::from(identifier);
    if identifier < 128 { identifier } else { (identifier - 127) * 64 }
}

fn qos(number: u8) -> QoS {
    [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][usize::from(number % 3)]
}

fn output(how: u8) -> Output {
    match how {
        0xFD.. => [Output::WouldBlock, Output::Broken, Output::Nothing][usize::from(how - 0xFD)],
        how => Output::Take(1 + usize::from(how)),
    }
}
