//! The session: packets and time in, answers and deadlines out. Knows no stream and never waits.
//!
//! It lives longer than a connection: what MQTT calls Session state, see 3.1.2.4, is `outgoing` and `incoming`.

pub mod error;
pub mod exchange;
pub mod incoming;
pub mod instant;
pub mod keep_alive;
pub mod outgoing;

pub use error::SessionError;
pub use exchange::{Exchange, Outcome, Stage};
pub use incoming::Incoming;
pub use instant::Instant;
pub use keep_alive::KeepAlive;
pub use outgoing::{Outgoing, delivery};

use crate::codec::{Ack, AckType, Connack, ConnectReturnCode, Delivery, Packet, Suback};

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed,
    AwaitConnack,
    Open,
}

/// What to do about a packet from the Server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// Send this.
    Reply(Ack),
    /// The connection stands. Send PUBREL for [`Outgoing::released`], then what is queued.
    Connected,
    /// The Server refused the connection.
    Refused(ConnectReturnCode),
    /// Hand the message to the caller, then [`Session::taken`] and [`Session::delivered`].
    Deliver,
}

/// State of a client's session and of its connection, if it has one.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    clean_session: bool,
    session_present: bool,
    answer_timeout_ms: u32,
    round_trip_ms: u32,
    outgoing: Outgoing,
    incoming: Incoming,
    keep_alive: KeepAlive,
}

impl Session {
    /// Not connected, nothing under way.
    #[must_use]
    pub const fn new() -> Self {
        Session {
            phase: Phase::Closed,
            clean_session: false,
            session_present: false,
            answer_timeout_ms: 0,
            round_trip_ms: 0,
            outgoing: Outgoing::new(),
            incoming: Incoming::new(),
            keep_alive: KeepAlive::new(),
        }
    }

    /// A connection begins with CONNECT. A clean session forgets what was under way [MQTT-3.1.2-6].
    pub fn connect(&mut self, clean_session: bool, keep_alive_s: u16, answer_timeout_ms: u32, now: Instant) {
        self.closed();
        self.phase = Phase::AwaitConnack;
        self.clean_session = clean_session;
        self.answer_timeout_ms = answer_timeout_ms;
        self.keep_alive.start(keep_alive_s, now);
        if clean_session {
            self.outgoing.clear();
            self.incoming.clear();
        }
    }

    /// The connection is gone.
    pub fn closed(&mut self) {
        if self.phase != Phase::Closed {
            self.phase = Phase::Closed;
            self.outgoing.connection_lost(!self.clean_session);
            if self.clean_session {
                // It ends with its connection, on both sides [MQTT-3.1.2-6].
                self.incoming.clear();
            }
        }
    }

    /// Whether there is no connection, and none is being made.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Whether CONNACK has come and the connection stands.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether the last CONNACK that accepted a connection told of a session [MQTT-3.2.2-2].
    #[must_use]
    pub fn session_present(&self) -> bool {
        self.session_present
    }

    /// Milliseconds from the end of a packet to its last acknowledgement: of the exchange that ended last. 0 before any.
    #[must_use]
    pub fn round_trip_ms(&self) -> u32 {
        self.round_trip_ms
    }

    /// What the caller has under way.
    #[must_use]
    pub fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// The same, to take outcomes and to abandon.
    pub fn outgoing_mut(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// When an answer is due to what is sent at `now`.
    #[must_use]
    pub fn answer_due(&self, now: Instant) -> Instant {
        now.plus_ms(self.answer_timeout_ms)
    }

    /// Begins an exchange: its slot.
    ///
    /// # Errors
    /// [`SessionError::OutgoingFull`].
    #[cfg_attr(feature = "quick", inline(always))]
    pub fn begin(&mut self, exchange: Exchange, now: Instant) -> Result<u8, SessionError> {
        self.outgoing.begin(exchange, self.answer_due(now))
    }

    /// Makes room for an exchange, if what is under way has lasted too long for anybody to care: whether one can begin now.
    pub fn has_room_for(&mut self, exchange: Exchange, now: Instant) -> bool {
        if self.clean_session && !self.outgoing.has_room_for(exchange) {
            self.outgoing.expire(now);
        }
        self.outgoing.has_room_for(exchange)
    }

    /// Whether nothing waits to be sent, and nothing is to be done for Keep Alive.
    #[cfg(feature = "quick")]
    #[must_use]
    pub fn is_quiet(&self, now: Instant) -> bool {
        self.is_open()
            && !self.outgoing.has_queued()
            && !self.keep_alive.awaits_answer()
            && !self.keep_alive.is_due(now)
    }

    /// Part of the packet of a slot has left.
    pub fn progressed(&mut self, slot: u8, now: Instant) {
        let due = self.answer_due(now);
        self.outgoing.progressed(slot, due);
    }

    /// The whole packet of a slot has left.
    #[cfg_attr(feature = "quick", inline(always))]
    pub fn sent(&mut self, slot: u8, now: Instant) {
        let due = self.answer_due(now);
        self.outgoing.sent(slot, due);
        self.keep_alive.sent(now);
    }

    /// A packet that has no slot has left: an answer, or a message at QoS 0.
    pub fn sent_without_slot(&mut self, now: Instant) {
        self.keep_alive.sent(now);
    }

    /// Octets have come.
    pub fn heard(&mut self, now: Instant) {
        self.keep_alive.heard(now);
    }

    /// Octets have left, and PINGREQ may be behind them; `all`: none is.
    pub fn moved(&mut self, all: bool, now: Instant) {
        self.keep_alive.moved(all, now);
    }

    /// The caller sends PINGREQ.
    pub fn ping(&mut self, now: Instant) {
        self.keep_alive.ping(true, now);
    }

    /// Whether PINGRESP has come to a [`Session::ping`]; tells each one once.
    pub fn take_ping_answer(&mut self) -> bool {
        self.keep_alive.take_answer()
    }

    /// Whether [`Session::take_ping_answer`] has one to tell.
    #[cfg(feature = "quick")]
    #[must_use]
    pub fn has_ping_answer(&self) -> bool {
        self.keep_alive.has_answer()
    }

    /// Looks after Keep Alive: whether PINGREQ has to be sent now.
    pub fn tick(&mut self, now: Instant) -> bool {
        let due = self.phase == Phase::Open && self.keep_alive.is_due(now);
        if due {
            self.keep_alive.ping(false, now);
        }
        due
    }

    /// Whether PINGRESP is to come.
    #[must_use]
    pub fn awaits_pingresp(&self) -> bool {
        self.keep_alive.awaits_answer()
    }

    /// To be asked when all that has come was dealt with.
    ///
    /// # Errors
    /// [`SessionError::Silent`] if PINGRESP is overdue.
    pub fn check_alive(&self, now: Instant) -> Result<(), SessionError> {
        self.keep_alive.check(self.answer_timeout_ms, now)
    }

    /// Milliseconds until [`Session::tick`] or [`Session::check_alive`] has something to say; `u32::MAX`: never on its own.
    /// `checks`: an answer that is overdue counts, and not only one that will be.
    #[must_use]
    #[cfg_attr(feature = "quick", inline(always))]
    pub fn next_tick_ms(&self, checks: bool, now: Instant) -> u32 {
        if self.is_open() { self.keep_alive.next_check_ms(checks, self.answer_timeout_ms, now) } else { u32::MAX }
    }

    /// Milliseconds until [`Session::next_tick_ms`], or until the answer is due to what was sent at `now`.
    #[cfg(feature = "quick")]
    #[must_use]
    pub fn next_due_ms(&self, now: Instant) -> u32 {
        self.answer_timeout_ms.min(self.next_tick_ms(true, now))
    }

    /// A message comes in, or the start of a long one: [`Action::Deliver`], or the answer to a repeated one
    /// [MQTT-4.3.3-2].
    ///
    /// # Errors
    /// [`SessionError::BeforeConnack`]; [`SessionError::IncomingFull`].
    pub fn publish_arrives(&self, delivery: Delivery) -> Result<Action, SessionError> {
        if self.phase != Phase::Open {
            return Err(SessionError::BeforeConnack);
        }
        if let Delivery::ExactlyOnce(identifier) = delivery {
            if self.incoming.contains(identifier)? {
                return Ok(Action::Reply(Ack { ack_type: AckType::Pubrec, packet_identifier: identifier }));
            }
        }
        Ok(Action::Deliver)
    }

    /// The caller has the message: at QoS 2 it is remembered from now on, and this is the PUBREC to send.
    pub fn taken(&mut self, delivery: Delivery) -> Option<Ack> {
        let Delivery::ExactlyOnce(identifier) = delivery else { return None };
        self.incoming.insert(identifier);
        Some(Ack { ack_type: AckType::Pubrec, packet_identifier: identifier })
    }

    /// The caller is through with the message: at QoS 1, the PUBACK to send.
    #[must_use]
    pub fn delivered(&self, delivery: Delivery) -> Option<Ack> {
        let Delivery::AtLeastOnce(identifier) = delivery else { return None };
        Some(Ack { ack_type: AckType::Puback, packet_identifier: identifier })
    }

    fn connack(&mut self, connack: Connack, now: Instant) -> Result<Action, SessionError> {
        if self.phase != Phase::AwaitConnack {
            return Err(SessionError::SecondConnack);
        }
        if connack.return_code != ConnectReturnCode::Accepted {
            return Ok(Action::Refused(connack.return_code));
        }
        // A Server that says so in answer to a clean session breaks [MQTT-3.2.2-1], but harms nobody: it is taken for one that
        // has none.
        let session_present = connack.session_present && !self.clean_session;
        if !session_present {
            // A Server without a session gives its identifiers out anew: the old ones would swallow new messages.
            self.incoming.clear();
        }
        self.phase = Phase::Open;
        self.session_present = session_present;
        let due = self.answer_due(now);
        self.outgoing.resumed(due);
        Ok(Action::Connected)
    }

    /// An answer came that was due until `due`: so long after its packet had left.
    #[inline]
    fn came_round(&mut self, due: Instant, now: Instant) {
        if cfg!(feature = "extras") {
            self.round_trip_ms = self.answer_timeout_ms.saturating_sub(due.ms_from(now));
        }
    }

    /// PUBACK came for the message of this slot: it is over, and nobody needs to be told of its outcome.
    #[cfg(feature = "quick")]
    #[inline]
    pub fn acknowledged(&mut self, slot: u8, now: Instant) {
        if let Some(due) = self.outgoing.acknowledged(slot) {
            self.came_round(due, now);
        }
    }

    /// A packet came.
    ///
    /// # Errors
    /// What [`SessionError`] lays at the Server's door; the connection has to be closed then [MQTT-4.8.0-1].
    pub fn receive(&mut self, packet: &Packet, now: Instant) -> Result<Action, SessionError> {
        if let Packet::Connack(connack) = *packet {
            return self.connack(connack, now);
        }
        if self.phase != Phase::Open {
            return Err(SessionError::BeforeConnack);
        }
        let (stage, packet_identifier, outcome) = match *packet {
            Packet::Publish(ref publish) => return self.publish_arrives(publish.delivery),
            Packet::Ack(Ack { ack_type: AckType::Pubrel, packet_identifier }) => {
                // Also for an unknown identifier: the PUBCOMP of before may be lost [MQTT-4.3.3-2].
                self.incoming.release(packet_identifier);
                return Ok(Action::Reply(Ack { ack_type: AckType::Pubcomp, packet_identifier }));
            }
            Packet::Ack(Ack { ack_type: AckType::Pubrec, packet_identifier }) => {
                let is_known = self.outgoing.received(packet_identifier, self.answer_due(now));
                let pubrel = Ack { ack_type: AckType::Pubrel, packet_identifier };
                return Ok(if is_known { Action::Reply(pubrel) } else { Action::None });
            }
            Packet::Ack(Ack { ack_type: AckType::Puback, packet_identifier }) => {
                (Stage::AwaitsPuback, packet_identifier, Outcome::Done)
            }
            Packet::Ack(Ack { ack_type: AckType::Pubcomp, packet_identifier }) => {
                (Stage::AwaitsPubcomp, packet_identifier, Outcome::Done)
            }
            Packet::Suback(Suback { packet_identifier, granted }) => {
                let outcome = if granted.is_some() { Outcome::Done } else { Outcome::Refused };
                (Stage::AwaitsSuback, packet_identifier, outcome)
            }
            Packet::Unsuback(packet_identifier) => (Stage::AwaitsUnsuback, packet_identifier, Outcome::Done),
            Packet::Pingresp => {
                self.keep_alive.pingresp(now);
                return Ok(Action::None);
            }
            Packet::Connack(_) => return Ok(Action::None),
        };
        if let Some(due) = self.outgoing.answered(stage, packet_identifier, outcome) {
            self.came_round(due, now);
        }
        Ok(Action::None)
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}
