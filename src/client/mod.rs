//! The client: a session on a stream. Every call is a short step that never waits.
//!
//! A verb (see `verbs`) begins an exchange; [`Client::poll`] moves octets and packets until there is something to tell:
//! a [`Step`]. Only the caller waits, and only the caller keeps topics and payloads: they are lent for a call.

pub mod counts;
pub mod error;
mod outbox;
mod pump;
#[cfg(feature = "quick")]
pub mod quick;
mod receive;
pub mod step;
pub mod transport;
mod verbs;

use core::num::NonZeroU32;

use crate::codec::{Delivery, LongPublish, Reader, packet_len};
use crate::session::{Instant, Outcome, Session};
use crate::settings::RX_BUFFER;

pub use counts::Counts;
pub use error::Error;
use outbox::Outbox;
pub use step::{Awaited, Body, Call, Lent, Message, Step, Wait};
pub use transport::Transport;

/// Reads that one step makes at most. A Server that never stops sending must not keep the caller from his other duties.
const READS: usize = 32;

/// What becomes of a long message that is coming in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// None is coming in.
    None,
    /// The caller gets it.
    Deliver,
    /// Acknowledged, but the caller does not want it.
    Drop,
    /// Delivered before: answered with PUBREC again.
    Repeated,
    /// The caller has no room for it: not acknowledged, so the Server keeps it.
    Refuse,
}

/// A packet that has begun to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sending {
    /// Its slot, or [`CONNECT`].
    slot: u8,
    /// Octets that have left.
    offset: u32,
    /// As the Server was told, or will be.
    remaining_length: NonZeroU32,
}

/// A slot number that is none, for CONNECT.
const CONNECT: u8 = u8::MAX;

impl Sending {
    /// A packet of which so many octets have left. Neither CONNECT nor a packet with a slot has a Remaining Length of 0.
    fn new(slot: u8, offset: u32, remaining_length: u32) -> Self {
        Sending { slot, offset, remaining_length: NonZeroU32::new(remaining_length).unwrap_or(NonZeroU32::MIN) }
    }

    /// Octets that have not left.
    const fn left(self) -> u32 {
        packet_len(self.remaining_length.get()).saturating_sub(self.offset)
    }
}

/// An MQTT client without its stream and without the caller's objects.
#[derive(Debug)]
pub struct Client {
    session: Session,
    reader: Reader<RX_BUFFER>,
    /// The long message that is coming in.
    long: LongPublish,
    fate: Fate,
    /// The message that came last.
    message: Message,
    outbox: Outbox,
    sending: Option<Sending>,
    /// DISCONNECT is queued: nothing comes after it [MQTT-3.14.4-2].
    disconnecting: bool,
    /// Places in the outbox that are kept for the acknowledgements of messages that were handed over.
    promised: u8,
    /// Whether the time was over of what the last poll awaited.
    is_late: bool,
    counts: Counts,
}

impl Client {
    /// Not connected. All of it is zero, so that putting it into its place takes little code and no stack.
    #[must_use]
    pub const fn new() -> Self {
        Client {
            session: Session::new(),
            reader: Reader::new(),
            long: LongPublish::NONE,
            fate: Fate::None,
            message: Message {
                delivery: Delivery::AtMostOnce,
                flags: 0,
                body: Body::Buffered,
                topic_start: 0,
                topic_len: 0,
                payload_start: 0,
                payload_len: 0,
            },
            outbox: Outbox::new(),
            sending: None,
            disconnecting: false,
            promised: 0,
            is_late: false,
            counts: Counts::new(),
        }
    }

    /// Has the next Packet Identifier be the one after `last`: see [`crate::session::Outgoing::begin_after`].
    pub fn begin_after(&mut self, last: u16) {
        self.session.outgoing_mut().begin_after(last);
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The session, for what it knows of the Server.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Whether [`Client::poll`] has something to deal with before it needs octets from the stream: a packet, or a piece of a long
    /// message.
    #[must_use]
    pub fn has_packet(&self) -> bool {
        match self.fate {
            Fate::None => self.reader.has_packet(),
            _ => self.long.missing() == 0 || self.reader.pending_len() > 0,
        }
    }

    /// Whether the rooms that were lent are those of a message that is coming in, or of the one that has just been told. If not,
    /// nothing in them is of use any more, however that message ended.
    #[must_use]
    pub fn uses_rooms(&self) -> bool {
        self.fate == Fate::Deliver
    }

    /// Whether there is a connection that CONNACK has confirmed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.session.is_open()
    }

    /// Whether the time is over of what the last poll awaited. What is here is dealt with all the same, since the answer may be in
    /// it, but a caller may limit how much of it.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.is_late
    }

    /// The connection is gone, or is given up. Unacknowledged messages stay if the session is not clean [MQTT-4.4.0-1].
    pub fn close(&mut self) {
        self.session.closed();
        self.reader.clear();
        self.outbox.clear();
        self.fate = Fate::None;
        self.sending = None;
        self.disconnecting = false;
        self.promised = 0;
    }

    /// The message of [`Step::Message`].
    #[must_use]
    pub fn message(&self) -> Message {
        self.message
    }

    /// The octets of a [`Body::Buffered`], until the next call.
    #[must_use]
    pub fn octets(&self, start: u16, len: u32) -> &[u8] {
        let start = usize::from(start);
        self.reader.octets(start..start.saturating_add(len as usize))
    }

    /// The long message that asks for room in [`Step::Room`].
    #[must_use]
    pub fn long(&self) -> &LongPublish {
        &self.long
    }

    /// Octets that have come of its field in hand, and all that lies in the buffer behind them.
    #[must_use]
    pub fn come(&self) -> u32 {
        self.long.here() + u32::from(self.reader.pending_len())
    }

    /// Which slots hold an exchange, bit n for slot n: the caller keeps their topics and payloads.
    #[must_use]
    pub fn slots_in_use(&self) -> u32 {
        self.session.outgoing().in_use()
    }

    /// Queues a small packet of the caller's or an acknowledgement; false if it does not fit beside what is promised.
    #[must_use]
    fn queue(&mut self, packet: &[u8]) -> bool {
        let is_queued = self.outbox.has_room(1 + usize::from(self.promised)) && self.outbox.push(packet);
        if is_queued {
            self.counts.packet_out();
        }
        is_queued
    }

    /// Whether the packet of a slot has begun to leave.
    fn is_sending(&self, slot: u8) -> bool {
        self.sending.is_some_and(|sending| sending.slot == slot)
    }

    /// Nobody awaits the exchange of this slot any longer. If its packet is on its way or in flight, it stays so.
    pub fn abandon(&mut self, slot: u8) {
        let begun = self.is_sending(slot);
        self.session.outgoing_mut().abandon(slot, begun);
    }

    /// Forgets the exchange of this slot, if nobody awaits it, a message in flight too: it is not sent again. A packet that has begun
    /// to leave leaves first.
    pub fn discard(&mut self, slot: u8) {
        let begun = self.is_sending(slot);
        self.session.outgoing_mut().discard(slot, begun);
    }

    /// Does all that can be done without waiting, until there is something to tell.
    ///
    /// # Errors
    /// [`Error`]; after a fatal one the connection is closed.
    pub fn poll<T: Transport>(
        &mut self,
        stream: &mut T,
        call: &Call,
        lent: &mut Lent,
        now: Instant,
    ) -> Result<Step, Error<T::Error>> {
        let is_ready = match call.awaited {
            Awaited::Connack => !self.session.is_closed(),
            Awaited::Flushed | Awaited::End => self.is_open(),
            _ => self.is_open() && !self.disconnecting,
        };
        if !is_ready {
            return Err(Error::NotConnected);
        }
        self.step(stream, call, lent, now).inspect_err(|error| {
            if error.is_fatal() {
                self.close();
            }
        })
    }

    fn step<T: Transport>(
        &mut self,
        stream: &mut T,
        call: &Call,
        lent: &mut Lent,
        now: Instant,
    ) -> Result<Step, Error<T::Error>> {
        let awaited = call.awaited;
        let flushes = matches!(awaited, Awaited::Flushed);
        // After DISCONNECT nothing that comes counts any more, but all of it has to be read.
        let ends = matches!(awaited, Awaited::End);
        // A caller who only publishes never reads on his own account: PINGRESP has to be fetched for him, and before the
        // Server is called silent.
        let mut attends = call.attends && self.session.awaits_pingresp() && !flushes;
        let mut may_read = call.may_read || attends;
        if !self.disconnecting && self.session.tick(now) {
            self.outbox.push_pingreq();
            self.counts.packet_out();
        }
        // Nothing else comes before CONNACK [MQTT-3.1.0-1], nothing is begun before DISCONNECT.
        let begun_only = flushes || ends || matches!(awaited, Awaited::Connack);
        let (mut reads, mut has_looked) = (0, false);
        self.is_late = false;
        loop {
            let flow = self.flush(stream, lent, begun_only, now)?;
            if let pump::Flow::Lend(slot) = flow {
                return Ok(Step::Lend(slot));
            }
            let mut due_ms = 0;
            if !attends {
                match self.look_for(call, now)? {
                    None => return Ok(Step::Done),
                    Some(ms) => due_ms = ms,
                }
                self.is_late = due_ms == 0;
                may_read |= self.is_late;
            }
            // A packet may ask for an answer, and the caller's own acknowledgement comes on top.
            let has_room = self.outbox.has_room((2 + usize::from(self.promised)).min(outbox::CAPACITY));
            let can_cut = ends || has_room && !flushes && (call.takes || !self.comes_to_a_message());
            if ends {
                self.fate = Fate::None;
                self.reader.clear();
            } else if can_cut {
                match self.advance(lent, now)? {
                    receive::Advance::Handled => continue,
                    receive::Advance::Tell(step) => return Ok(step),
                    receive::Advance::NeedOctets => {}
                }
            }
            let is_enough = reads == READS;
            if !(can_cut && may_read) || is_enough {
                // Who has not looked for what has come cannot call the Server silent, unless he cannot look.
                if !ends && (has_looked || !(has_room || flushes)) {
                    self.session.check_alive(now)?;
                }
                if attends {
                    attends = false;
                    continue;
                }
                if self.is_late {
                    return Err(Error::Timeout);
                }
                // Whether more has come, the port may not know: a TLS stream holds what it has decrypted.
                let ms = if is_enough { 0 } else { due_ms };
                return Ok(Step::Wait(Wait { read: can_cut, write: flow == pump::Flow::Blocked, ms }));
            }
            may_read = self.fill(stream, lent, now)?;
            has_looked = !may_read;
            reads += 1;
        }
    }

    /// How long the caller may sleep before he looks after what he waits for, 0 when its time is over; `None` if it is here.
    #[inline(never)]
    fn look_for<E>(&mut self, call: &Call, now: Instant) -> Result<Option<u32>, Error<E>> {
        let mut due = call.deadline;
        let is_here = match call.awaited {
            Awaited::Connack => self.is_open(),
            Awaited::Message => self.session.take_ping_answer(),
            Awaited::RoomFor(exchange) => self.session.has_room_for(exchange, now),
            Awaited::Outbox => self.outbox.has_room(1 + usize::from(self.promised)),
            Awaited::Flushed => self.outbox.is_empty() && self.sending.is_none(),
            Awaited::End => false,
            Awaited::Slot(slot) => match self.session.outgoing_mut().take_outcome(slot) {
                Some(Outcome::Done) => true,
                Some(Outcome::Refused) => return Err(Error::SubscriptionRefused),
                Some(Outcome::Unsendable(error)) => return Err(Error::Encode(error)),
                None => {
                    due = self.session.outgoing().answer_due(slot);
                    // Of an earlier connection: nobody awaited it, so it has freed its slot.
                    due.is_none()
                }
            },
        };
        if is_here {
            return Ok(None);
        }
        let due_ms = due.map_or(u32::MAX, |due| due.ms_from(now));
        // Who cannot look for PINGRESP behind a message cannot say that it is overdue.
        let checks = call.takes || !self.comes_to_a_message();
        // When PINGREQ or its answer is due is no end of anything: then there is something to do.
        Ok(Some(if self.disconnecting || due_ms == 0 {
            due_ms
        } else {
            due_ms.min(self.session.next_tick_ms(checks, now).max(1))
        }))
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}
