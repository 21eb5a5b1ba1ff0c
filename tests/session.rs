//! Exchanges at QoS 1 and 2, in both directions, and Keep Alive, on a clock that the test moves.

mod support;

#[path = "session/connecting.rs"]
mod connecting;
#[path = "session/identifiers.rs"]
mod identifiers;
#[path = "session/incoming.rs"]
mod incoming;
#[path = "session/keep_alive.rs"]
mod keep_alive;
#[path = "session/outgoing.rs"]
mod outgoing;
#[path = "session/resuming.rs"]
mod resuming;

use support::packets::CONNACK;
use umqtt::codec::{Cut, Packet, QoS, Reader};
use umqtt::session::{Action, Exchange, Instant, Outcome, Session, SessionError};

/// How long the Server may take for an answer.
const TIMEOUT_MS: u32 = 20_000;

/// A session and its clock.
struct Clocked {
    session: Session,
    now: Instant,
}

impl Clocked {
    /// Not connected; the clock wraps after a second.
    fn new() -> Self {
        Clocked { session: Session::new(), now: Instant::from_ticks_ms(u32::MAX - 1_000) }
    }

    /// A connection that stands, with Keep Alive 60.
    fn connected(clean_session: bool) -> Self {
        let mut clocked = Clocked::new();
        clocked.reconnect(clean_session, &CONNACK);
        clocked
    }

    fn reconnect(&mut self, clean_session: bool, connack: &[u8]) {
        self.session.connect(clean_session, 60, TIMEOUT_MS, self.now);
        assert_eq!(self.arrives(connack), Ok(Action::Connected));
        assert!(self.session.is_open());
    }

    fn pass_ms(&mut self, ms: u32) {
        self.now = self.now.plus_ms(ms);
    }

    /// A packet from the Server, in octets.
    fn arrives(&mut self, octets: &[u8]) -> Result<Action, SessionError> {
        let mut reader: Reader<64> = Reader::new();
        reader.space()[..octets.len()].copy_from_slice(octets);
        reader.filled(octets.len());
        let Ok(Cut::Packet(packet_type, body)) = reader.cut() else { panic!("{octets:x?} is no packet") };
        let packet = Packet::decode(packet_type, reader.octets(body)).expect("well formed");
        self.session.receive(&packet, self.now)
    }

    fn begin(&mut self, exchange: Exchange) -> u8 {
        self.session.begin(exchange, self.now).expect("a free slot")
    }

    /// Publishes at this QoS; the packet has left.
    fn published(&mut self, qos: QoS) -> (u8, u16) {
        let slot = self.begin(publish(qos));
        assert_eq!(self.session.outgoing().next_queued(), Some(slot));
        self.session.sent(slot, self.now);
        (slot, self.identifier(slot))
    }

    fn identifier(&self, slot: u8) -> u16 {
        let (_, identifier, _) = self.session.outgoing().packet(slot).expect("a slot in use");
        identifier.get()
    }

    /// Sends all that is queued: the identifiers and DUP flags, in order.
    fn send_queued(&mut self) -> Vec<(u16, bool)> {
        let mut sent = Vec::new();
        while let Some(slot) = self.session.outgoing().next_queued() {
            let (_, identifier, dup) = self.session.outgoing().packet(slot).expect("a slot in use");
            sent.push((identifier.get(), dup));
            self.session.sent(slot, self.now);
        }
        sent
    }

    fn outcome(&mut self, slot: u8) -> Option<Outcome> {
        self.session.outgoing_mut().take_outcome(slot)
    }

    fn released(&self) -> Vec<u16> {
        self.session.outgoing().released().map(umqtt::codec::PacketIdentifier::get).collect()
    }
}

fn publish(qos: QoS) -> Exchange {
    Exchange::Publish { qos, retain: false }
}

/// The octets of an answer.
fn reply(action: Result<Action, SessionError>) -> [u8; 4] {
    match action {
        Ok(Action::Reply(ack)) => ack.encode(),
        other => panic!("{other:?} is no answer"),
    }
}
