//! What the caller has under way: packets to send and exchanges that wait for an acknowledgement. Gives out Packet
//! Identifiers and knows what has to be sent again when a session resumes, see 4.4.

use super::error::SessionError;
use super::exchange::{Exchange, Outcome, Stage};
use super::instant::Instant;
use crate::codec::{Delivery, EncodeError, PacketIdentifier, QoS};
use crate::settings::IN_FLIGHT;

/// One exchange.
#[derive(Debug, Clone, Copy)]
struct Slot {
    exchange: Exchange,
    stage: Stage,
    /// Position among the slots in use, 0 is the oldest: PUBLISH goes out again in this order [MQTT-4.6.0-1]. PUBREC makes a
    /// slot the newest: PUBREL goes out again in the order of PUBREC [MQTT-4.6.0-4].
    rank: u8,
    /// Whether the packet may have reached the Server before [MQTT-3.3.1-1].
    dup: bool,
    /// Whether a caller waits for the outcome. If not, the slot frees itself.
    awaited: bool,
    /// None for a PUBLISH at QoS 0 [MQTT-2.3.1-5].
    identifier: Option<PacketIdentifier>,
    answer_due: Instant,
}

impl Slot {
    /// Whether it is a message that has to be acknowledged.
    fn is_acknowledged_publish(&self) -> bool {
        matches!(self.exchange, Exchange::Publish { qos, .. } if qos != QoS::AtMostOnce)
    }
}

/// The table of exchanges under way; `IN_FLIGHT` at most. A slot is named by its index.
#[derive(Debug)]
pub struct Outgoing {
    slots: [Slot; IN_FLIGHT],
    in_use: u8,
    queued: u8,
    /// The Packet Identifier given out last.
    last_identifier: Option<PacketIdentifier>,
}

impl Outgoing {
    /// Nothing under way.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(IN_FLIGHT >= 2 && IN_FLIGHT <= 32, "IN_FLIGHT is 2 to 32") };
        let free = Slot {
            exchange: Exchange::Publish { qos: QoS::AtMostOnce, retain: false },
            stage: Stage::Free,
            rank: 0,
            dup: false,
            awaited: false,
            identifier: None,
            answer_due: Instant::from_ticks_ms(0),
        };
        Outgoing { slots: [free; IN_FLIGHT], in_use: 0, queued: 0, last_identifier: None }
    }

    /// Has the next Packet Identifier be the one after `last`. A Server that kept a session takes an identifier that it knows for
    /// the message it knows, so a client that was made anew begins anywhere, rather than with the first again [MQTT-2.3.1-2].
    pub fn begin_after(&mut self, last: u16) {
        self.last_identifier = PacketIdentifier::new(last);
    }

    fn slot(&self, index: u8) -> Option<&Slot> {
        self.slots.get(usize::from(index))
    }

    fn slot_mut(&mut self, index: u8) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(index))
    }

    /// A Packet Identifier that no exchange uses [MQTT-2.3.1-2]. One always is: there are more of them than slots.
    fn free_identifier(&mut self) -> PacketIdentifier {
        loop {
            let identifier = self.last_identifier.map_or(PacketIdentifier::FIRST, PacketIdentifier::next);
            self.last_identifier = Some(identifier);
            // Before the exchange that it is for counts.
            #[cfg(feature = "quick")]
            if self.in_use == 0 {
                return identifier;
            }
            if !self.slots.iter().any(|slot| slot.stage != Stage::Free && slot.identifier == Some(identifier)) {
                return identifier;
            }
        }
    }

    /// Whether an exchange can begin now. Messages at QoS 1 and 2, which may wait for long, leave one slot to the others.
    #[must_use]
    pub fn has_room_for(&self, exchange: Exchange) -> bool {
        let waits_for_long = matches!(exchange, Exchange::Publish { qos, .. } if qos != QoS::AtMostOnce);
        usize::from(self.in_use) + usize::from(waits_for_long) < IN_FLIGHT
    }

    /// Begins an exchange and queues its packet: the slot that it got. The caller awaits its outcome.
    ///
    /// # Errors
    /// [`SessionError::OutgoingFull`] if there is no room for it.
    #[cfg_attr(feature = "quick", inline(always))]
    pub fn begin(&mut self, exchange: Exchange, answer_due: Instant) -> Result<u8, SessionError> {
        let free = self.slots.iter().zip(0..).find(|(slot, _)| slot.stage == Stage::Free);
        let Some((_, index)) = free.filter(|_| self.has_room_for(exchange)) else {
            return Err(SessionError::OutgoingFull);
        };
        let at_most_once = matches!(exchange, Exchange::Publish { qos: QoS::AtMostOnce, .. });
        let identifier = if at_most_once { None } else { Some(self.free_identifier()) };
        let rank = self.in_use;
        self.in_use += 1;
        self.queued += 1;
        if let Some(slot) = self.slot_mut(index) {
            *slot = Slot { exchange, stage: Stage::Queued, rank, dup: false, awaited: true, identifier, answer_due };
        }
        Ok(index)
    }

    /// Frees a slot and closes the gap in the order.
    fn free(&mut self, index: u8) {
        let Some(slot) = self.slot_mut(index) else { return };
        let Slot { rank, stage, .. } = *slot;
        if stage == Stage::Free {
            return;
        }
        slot.stage = Stage::Free;
        self.queued = self.queued.saturating_sub(u8::from(stage == Stage::Queued));
        self.in_use = self.in_use.saturating_sub(1);
        if rank < self.in_use {
            self.close_gap(rank);
        }
    }

    /// The slots newer than `rank` move up by one.
    fn close_gap(&mut self, rank: u8) {
        for slot in &mut self.slots {
            if slot.stage != Stage::Free && slot.rank > rank {
                slot.rank -= 1;
            }
        }
    }

    /// Whether a packet is to be sent.
    #[cfg(feature = "quick")]
    #[must_use]
    pub fn has_queued(&self) -> bool {
        self.queued > 0
    }

    /// The Packet Identifier of an exchange that PUBACK ends.
    #[cfg(feature = "quick")]
    #[must_use]
    pub fn awaits_puback(&self, index: u8) -> Option<PacketIdentifier> {
        self.slot(index).filter(|slot| slot.stage == Stage::AwaitsPuback)?.identifier
    }

    /// The oldest slot whose packet is to be sent.
    #[must_use]
    pub fn next_queued(&self) -> Option<u8> {
        if self.queued == 0 {
            return None;
        }
        let mut oldest: Option<(u8, u8)> = None;
        for (slot, index) in self.slots.iter().zip(0..) {
            if slot.stage == Stage::Queued && oldest.is_none_or(|(rank, _)| slot.rank < rank) {
                oldest = Some((slot.rank, index));
            }
        }
        oldest.map(|(_, index)| index)
    }

    /// The exchange of a slot in use, its Packet Identifier and its DUP flag. (What has no identifier, a PUBLISH at QoS 0,
    /// gets one here that means nothing.)
    #[must_use]
    #[cfg_attr(feature = "quick", inline(always))]
    pub fn packet(&self, index: u8) -> Option<(Exchange, PacketIdentifier, bool)> {
        let slot = self.slot(index).filter(|slot| slot.stage != Stage::Free)?;
        Some((slot.exchange, slot.identifier.unwrap_or(PacketIdentifier::FIRST), slot.dup))
    }

    /// Part of the packet of `index` has left: the link moves, so whoever still waits to be sent may wait on, until
    /// `answer_due`.
    pub fn progressed(&mut self, index: u8, answer_due: Instant) {
        for (slot, number) in self.slots.iter_mut().zip(0..) {
            if slot.stage == Stage::Queued {
                slot.answer_due = answer_due;
                slot.dup |= number == index;
            }
        }
    }

    /// The whole packet of `index` has left; its answer is due by `answer_due`.
    #[cfg_attr(feature = "quick", inline(always))]
    pub fn sent(&mut self, index: u8, answer_due: Instant) {
        let Some(slot) = self.slot_mut(index) else { return };
        if slot.stage != Stage::Queued {
            if slot.stage == Stage::Discarded {
                self.free(index);
            }
            return;
        }
        slot.dup = true;
        slot.answer_due = answer_due;
        slot.stage = match slot.exchange {
            Exchange::Publish { qos: QoS::AtMostOnce, .. } => Stage::Done,
            Exchange::Publish { qos: QoS::AtLeastOnce, .. } => Stage::AwaitsPuback,
            Exchange::Publish { qos: QoS::ExactlyOnce, .. } => Stage::AwaitsPubrec,
            // The answer is of no use to anyone any more, and is passed over when it comes.
            _ if !slot.awaited => Stage::Done,
            Exchange::Subscribe(_) => Stage::AwaitsSuback,
            Exchange::Unsubscribe => Stage::AwaitsUnsuback,
        };
        let is_over = slot.stage == Stage::Done;
        self.queued = self.queued.saturating_sub(1);
        if is_over {
            self.finish(index, Outcome::Done);
        }
    }

    fn finish(&mut self, index: u8, outcome: Outcome) {
        match self.slot_mut(index) {
            Some(slot) if slot.awaited => slot.stage = outcome.stage(),
            _ => self.free(index),
        }
    }

    /// The slot at this stage that has this identifier.
    fn find(&self, stage: Stage, identifier: PacketIdentifier) -> Option<u8> {
        let mut slots = self.slots.iter().zip(0..);
        slots.find(|(slot, _)| slot.identifier == Some(identifier) && slot.stage == stage).map(|(_, index)| index)
    }

    /// The answer came that an exchange at this stage awaits: it is over. Until when the answer was due; `None` for one that
    /// nobody waits for, which is passed over.
    pub fn answered(&mut self, stage: Stage, identifier: PacketIdentifier, outcome: Outcome) -> Option<Instant> {
        let index = self.find(stage, identifier)?;
        let due = self.answer_due(index);
        self.finish(index, outcome);
        due
    }

    /// PUBACK came for the message of this slot, which is free then: until when it was due.
    #[cfg(feature = "quick")]
    #[inline]
    pub fn acknowledged(&mut self, index: u8) -> Option<Instant> {
        let newest = self.in_use.saturating_sub(1);
        let slot = self.slot_mut(index)?;
        let due = slot.answer_due;
        if slot.rank == newest {
            // As mostly: there is no gap to close.
            slot.stage = Stage::Free;
            self.in_use = newest;
        } else {
            self.free(index);
        }
        Some(due)
    }

    /// PUBREC came: whether PUBREL is the answer [MQTT-4.3.3-1]. A repeated one gets its PUBREL again, but no more time: a Server
    /// that repeats it for ever must not keep a caller waiting for ever.
    pub fn received(&mut self, identifier: PacketIdentifier, answer_due: Instant) -> bool {
        let Some(index) = self.find(Stage::AwaitsPubrec, identifier) else {
            return self.find(Stage::AwaitsPubcomp, identifier).is_some();
        };
        let newest = self.in_use.saturating_sub(1);
        if let Some(slot) = self.slot_mut(index) {
            let rank = slot.rank;
            slot.stage = Stage::AwaitsPubcomp;
            slot.answer_due = answer_due;
            if rank < newest {
                self.close_gap(rank);
                if let Some(slot) = self.slot_mut(index) {
                    slot.rank = newest;
                }
            }
        }
        true
    }

    /// How the exchange of `index` ended, once it has; its slot is then free.
    pub fn take_outcome(&mut self, index: u8) -> Option<Outcome> {
        let outcome = self.slot(index)?.stage.outcome()?;
        self.free(index);
        Some(outcome)
    }

    /// When the answer of an exchange under way is due.
    #[must_use]
    pub fn answer_due(&self, index: u8) -> Option<Instant> {
        self.slot(index).filter(|slot| slot.stage != Stage::Free).map(|slot| slot.answer_due)
    }

    /// Whether a caller waits for the outcome of this slot.
    #[must_use]
    pub fn is_awaited(&self, index: u8) -> bool {
        self.slot(index).is_some_and(|slot| slot.awaited)
    }

    /// The packet of this slot cannot be sent: the exchange is over.
    pub fn unsendable(&mut self, index: u8, error: EncodeError) {
        if self.slot(index).is_some_and(|slot| slot.stage == Stage::Queued) {
            self.queued = self.queued.saturating_sub(1);
            self.finish(index, Outcome::Unsendable(error));
        }
    }

    /// Nobody awaits this exchange any longer. A packet that has not `begun` to leave is not sent at all; a message that
    /// has left stays in flight.
    pub fn abandon(&mut self, index: u8, begun: bool) {
        let Some(slot) = self.slot_mut(index) else { return };
        slot.awaited = false;
        let unsent = slot.stage == Stage::Queued && !slot.dup && !begun;
        let stays =
            matches!(slot.stage, Stage::Queued | Stage::AwaitsPuback | Stage::AwaitsPubrec | Stage::AwaitsPubcomp);
        if unsent || !stays {
            self.free(index);
        }
    }

    /// The exchange is over; whoever awaited it is told otherwise.
    pub fn end(&mut self, index: u8) {
        self.free(index);
    }

    /// Forgets an exchange that nobody awaits, a message in flight too: its slot is free, unless its packet has `begun` to leave,
    /// which then leaves first. A late answer is passed over.
    pub fn discard(&mut self, index: u8, begun: bool) {
        match self.slot_mut(index) {
            Some(slot) if slot.awaited => {}
            Some(slot) if begun && slot.stage == Stage::Queued => {
                slot.stage = Stage::Discarded;
                self.queued = self.queued.saturating_sub(1);
            }
            Some(slot) if begun && slot.stage == Stage::Discarded => {}
            _ => self.free(index),
        }
    }

    /// Frees what nobody awaits and whose answer has not come in time. It would be of no use: in a clean session nothing is sent
    /// again.
    pub fn expire(&mut self, now: Instant) {
        for index in (0..).take(IN_FLIGHT) {
            let is_over = |slot: &Slot| !slot.awaited && slot.stage.awaits_answer() && slot.answer_due.reached(now);
            if self.slot(index).is_some_and(is_over) {
                self.free(index);
            }
        }
    }

    /// The connection is gone. With `keep`, a PUBLISH at QoS 1 or 2 that was not acknowledged stays for the next one
    /// [MQTT-4.4.0-1]; all else is over, and nobody awaits anything.
    pub fn connection_lost(&mut self, keep: bool) {
        for index in (0..).take(IN_FLIGHT) {
            let Some(slot) = self.slot_mut(index) else { continue };
            slot.awaited = false;
            let is_over = slot.stage == Stage::Discarded || slot.stage.outcome().is_some();
            if !keep || !slot.is_acknowledged_publish() || is_over {
                self.free(index);
            } else if matches!(slot.stage, Stage::AwaitsPuback | Stage::AwaitsPubrec) {
                slot.stage = Stage::Queued;
                self.queued += 1;
            }
        }
    }

    /// A connection stands again: the answers to what was under way are due by `answer_due`.
    pub fn resumed(&mut self, answer_due: Instant) {
        for slot in &mut self.slots {
            slot.answer_due = answer_due;
        }
    }

    /// Forgets all, for a clean session [MQTT-3.1.2-6].
    pub fn clear(&mut self) {
        self.connection_lost(false);
    }

    /// The identifiers whose PUBREL has to be sent again, oldest first.
    pub fn released(&self) -> impl Iterator<Item = PacketIdentifier> {
        (0..self.in_use).filter_map(|rank| {
            let mut slots = self.slots.iter();
            slots.find(|slot| slot.stage == Stage::AwaitsPubcomp && slot.rank == rank).and_then(|slot| slot.identifier)
        })
    }

    /// How many messages at QoS 1 and 2 are kept until they are acknowledged.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        let kept = |slot: &Slot| {
            let is_kept = slot.stage == Stage::Queued || slot.stage.awaits_answer();
            u32::from(slot.is_acknowledged_publish() && is_kept)
        };
        self.slots.iter().map(kept).sum()
    }

    /// Which slots are in use: bit n is slot n.
    #[must_use]
    pub fn in_use(&self) -> u32 {
        let mut bits = 0;
        for slot in self.slots.iter().rev() {
            bits = bits << 1 | u32::from(slot.stage != Stage::Free);
        }
        bits
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::new()
    }
}

/// The QoS and identifier of a PUBLISH from its slot.
#[must_use]
pub const fn delivery(qos: QoS, identifier: PacketIdentifier) -> Delivery {
    match qos {
        QoS::AtMostOnce => Delivery::AtMostOnce,
        QoS::AtLeastOnce => Delivery::AtLeastOnce(identifier),
        QoS::ExactlyOnce => Delivery::ExactlyOnce(identifier),
    }
}
