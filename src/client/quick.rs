//! Short ways for what happens most: a message that leaves at once, and a small one at QoS 0 that is whole in the buffer.
//!
//! Built with the feature `quick`. All of this the step of `mod.rs` does as well, in several times as many
//! instructions: it has to be ready for everything, and small. Here a few comparisons tell that nothing else is under way;
//! where that is not so, nothing is changed and the step does its work. A firmware that is short of flash goes without.
//!
//! What these call in other files says `inline(always)` for this feature: here are known the kind of the exchange and its stage,
//! and with them most of what those functions would have to tell apart falls away.

use heapless::Vec;

use super::error::Error;
use super::transport::{Transport, outcome};
use super::{Body, Client, Fate, Message, Sending, Step, Wait};
use crate::codec::{Ack, AckType, Delivery, QoS, TopicName};
use crate::session::{Exchange, Instant};
use crate::settings::{RX_BUFFER, WINDOW};

/// What came of trying the short way.
pub enum Tried<E> {
    /// Nothing was done.
    Nothing,
    /// It has left, and is over.
    Over,
    /// It is over, since the stream failed.
    Failed(Error<E>),
    /// Written as far as the stream took it: its slot, and the step or what went wrong.
    Begun(u8, Result<Step, Error<E>>),
}

impl Client {
    /// Whether nothing waits to be sent and nothing is to be done but for the caller.
    #[inline]
    fn is_quiet(&self, now: Instant) -> bool {
        self.sending.is_none() && self.outbox.is_empty() && !self.disconnecting && self.session.is_quiet(now)
    }

    /// Publishes in one write, if nothing is in the way. The caller has checked the topic.
    ///
    /// # Errors
    /// Those of the stream: the connection is closed then, as after [`Client::poll`].
    #[inline]
    pub fn publish_at_once<T: Transport>(
        &mut self,
        stream: &mut T,
        qos: QoS,
        retain: bool,
        topic: &[u8],
        payload: &[u8],
        now: Instant,
    ) -> Tried<T::Error> {
        let exchange = Exchange::Publish { qos, retain };
        let identifier_len = if qos == QoS::AtMostOnce { 0 } else { 2 };
        let remaining_length = 2 + topic.len() + identifier_len + payload.len();
        // Fixed header and length of the topic, for a Remaining Length of up to two octets.
        let [low, high, ..] = remaining_length.to_le_bytes();
        let [.., topic_high, topic_low] = topic.len().to_be_bytes();
        let first = 0x30 | (qos as u8) << 1 | u8::from(retain);
        let mut octets: Vec<u8, WINDOW> = Vec::new();
        let put = if remaining_length < 128 {
            octets.extend_from_slice(&[first, low, topic_high, topic_low])
        } else if remaining_length < 16_384 {
            octets.extend_from_slice(&[first, low | 0x80, high << 1 | low >> 7, topic_high, topic_low])
        } else {
            return Tried::Nothing;
        };
        // And there is room for a Packet Identifier.
        let fits = put.is_ok() && octets.extend_from_slice(topic).is_ok() && octets.len() + 2 <= WINDOW;
        if !(fits && self.is_quiet(now) && self.session.outgoing().has_room_for(exchange)) {
            return Tried::Nothing;
        }
        // A message at QoS 0 gets a slot only if part of it stays.
        let mut slot = None;
        if qos != QoS::AtMostOnce {
            let Ok(begun) = self.session.begin(exchange, now) else { return Tried::Nothing };
            slot = Some(begun);
            let identifier = self.session.outgoing().packet(begun).map_or(0, |(_, identifier, _)| identifier.get());
            let _ = octets.extend_from_slice(&identifier.to_be_bytes());
        }
        // As much of it as fits, as the step of `mod.rs` does it: a TLS stream that would block has to be offered the same again.
        let mut rest = &[][..];
        if octets.extend_from_slice(payload).is_err() {
            let (front, back) = payload.split_at_checked(WINDOW - octets.len()).unwrap_or_default();
            let _ = octets.extend_from_slice(front);
            rest = back;
        }
        let written = match outcome::<T>(stream.write_both(&octets, rest)) {
            Ok(written) => written.unwrap_or(0),
            Err(error) => {
                self.close();
                return match slot {
                    Some(slot) => Tried::Begun(slot, Err(error)),
                    None => Tried::Failed(error),
                };
            }
        };
        if written < octets.len() + rest.len() {
            return self.keep_rest(slot, exchange, written, remaining_length, now);
        }
        self.counts.packet_out();
        let Some(slot) = slot else {
            self.session.sent_without_slot(now);
            return Tried::Over;
        };
        self.session.sent(slot, now);
        // What waits in the buffer is no answer to this, but is to be looked at.
        let ms = if self.reader.pending().is_empty() { self.session.next_due_ms(now) } else { 0 };
        Tried::Begun(slot, Ok(Step::Wait(Wait { read: true, write: false, ms })))
    }

    /// The stream did not take all of a packet: the step of `mod.rs` goes on with it.
    #[cold]
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation)] // under 2^14
    fn keep_rest<E>(
        &mut self,
        slot: Option<u8>,
        exchange: Exchange,
        written: usize,
        remaining_length: usize,
        now: Instant,
    ) -> Tried<E> {
        let slot = slot.map_or_else(|| self.session.begin(exchange, now), Ok);
        let Ok(slot) = slot else { return Tried::Nothing };
        self.sending = Some(Sending::new(slot, written as u32, remaining_length as u32));
        if written > 0 {
            self.session.progressed(slot, now);
        }
        Tried::Begun(slot, Ok(Step::Lend(slot)))
    }

    /// Polls for a message, if nothing else is to be done: `None` if not. `may_read` is as for [`Client::poll`], and tells
    /// afterwards whether there may be more to read.
    ///
    /// # Errors
    /// Those of the stream: the connection is closed then, as after [`Client::poll`].
    #[inline]
    pub fn message_at_once<T: Transport>(
        &mut self,
        stream: &mut T,
        may_read: &mut bool,
        now: Instant,
    ) -> Option<Result<Step, Error<T::Error>>> {
        if self.next_buffered(now) {
            return Some(Ok(Step::Message));
        }
        if !*may_read || !self.has_read_all() || self.session.has_ping_answer() || !self.is_quiet(now) {
            return None;
        }
        match self.read_at_once(stream, now) {
            Ok(Some(len)) => {
                *may_read = len == RX_BUFFER || !stream.short_read_drains();
                self.next_buffered(now).then_some(Ok(Step::Message))
            }
            Ok(None) => {
                Some(Ok(Step::Wait(Wait { read: true, write: false, ms: self.session.next_tick_ms(true, now) })))
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Whether the buffer is empty and no long message is coming in.
    #[inline]
    fn has_read_all(&self) -> bool {
        self.fate == Fate::None && self.reader.pending().is_empty()
    }

    /// Reads once into the empty buffer.
    #[inline(always)]
    fn read_at_once<T: Transport>(&mut self, stream: &mut T, now: Instant) -> Result<Option<usize>, Error<T::Error>> {
        let read = outcome::<T>(stream.read(self.reader.whole_space()));
        match read {
            Ok(Some(len)) => {
                self.reader.filled(len);
                self.session.heard(now);
            }
            Ok(None) => {}
            Err(_) => self.close(),
        }
        read
    }

    /// Reads once, for a PUBLISH at QoS 1 that has left from this slot: whether its PUBACK has come and nothing else, and its
    /// exchange is over. If not, [`Client::poll`] goes on. Keep Alive can wait for the next call: the caller has slept no longer
    /// than until then.
    ///
    /// # Errors
    /// Those of the stream: the connection is closed then, as after [`Client::poll`].
    #[inline]
    pub fn puback_at_once<T: Transport>(
        &mut self,
        stream: &mut T,
        slot: u8,
        now: Instant,
    ) -> Result<bool, Error<T::Error>> {
        let Some(packet_identifier) = self.session.outgoing().awaits_puback(slot) else { return Ok(false) };
        // While PINGRESP is to come, all that comes tells that the Server is there.
        let is_busy = self.sending.is_some() || !self.outbox.is_empty() || self.session.awaits_pingresp();
        if is_busy || self.disconnecting || !self.is_open() || !self.has_read_all() {
            return Ok(false);
        }
        self.read_at_once(stream, now)?;
        let puback = Ack { ack_type: AckType::Puback, packet_identifier }.encode();
        let has_come = self.reader.pending() == puback;
        if has_come {
            self.counts.packet_in();
            self.reader.clear();
            self.session.acknowledged(slot, now);
        }
        Ok(has_come)
    }

    /// The next message, if it is at QoS 0, begins in the buffer with a Remaining Length of up to two octets and is whole,
    /// and nothing else is to be done: [`Client::message`]. What is wrong with it the step of `mod.rs` will tell.
    #[inline]
    fn next_buffered(&mut self, now: Instant) -> bool {
        let (first, header_len, remaining_length) = match *self.reader.pending() {
            [first @ (0x30 | 0x31), low @ 0..=0x7F, ..] => (first, 2, usize::from(low)),
            [first @ (0x30 | 0x31), low, high @ 0..=0x7F, ..] => {
                (first, 3, usize::from(low & 0x7F) | usize::from(high) << 7)
            }
            _ => return false,
        };
        let Some(packet) = self.reader.pending().get(..header_len + remaining_length) else { return false };
        let Some((&topic_len, fields)) = packet.get(header_len..).and_then(<[u8]>::split_first_chunk) else {
            return false;
        };
        let topic_len = u16::from_be_bytes(topic_len);
        let Some((topic, payload)) = fields.split_at_checked(topic_len.into()) else { return false };
        let is_wanted = self.fate == Fate::None && !self.session.has_ping_answer() && self.is_quiet(now);
        if !is_wanted || TopicName::new(topic).is_err() {
            return false;
        }
        let (packet_len, payload_len) = (packet.len(), payload.len());
        let topic_start = self.reader.start() + header_len + 2;
        // All of it is in the buffer, whose places are numbers of 16 bits.
        #[allow(clippy::cast_possible_truncation)]
        let message = Message {
            delivery: Delivery::AtMostOnce,
            flags: first & 0x0F,
            body: Body::Buffered,
            topic_start: topic_start as u16,
            topic_len,
            payload_start: (topic_start + usize::from(topic_len)) as u16,
            payload_len: payload_len as u32,
        };
        self.message = message;
        self.counts.packet_in();
        self.reader.take(packet_len);
        true
    }
}
