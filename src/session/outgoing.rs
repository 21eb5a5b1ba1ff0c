//! What the caller has under way: packets to send and exchanges that wait for an acknowledgement. Gives out Packet
//! Identifiers and knows what has to be sent again when a session resumes, see 4.4.

use super::error::SessionError;
use super::instant::Instant;
use crate::codec::{Ack, AckType, Delivery, PacketIdentifier, QoS};
use crate::settings::IN_FLIGHT;

/// What an exchange is about. Topic and payload stay with the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// PUBLISH at this QoS.
    Publish {
        /// How it is acknowledged.
        qos: QoS,
        /// Its RETAIN flag.
        retain: bool,
    },
    /// SUBSCRIBE, asking for at most this QoS.
    Subscribe(QoS),
    /// UNSUBSCRIBE.
    Unsubscribe,
}

/// How far an exchange has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The slot is free.
    Free,
    /// Its packet has not left, or not wholly.
    Queued,
    /// Its packet has left; PUBACK, PUBREC, SUBACK or UNSUBACK is to come.
    Sent,
    /// PUBREL is the packet in hand; PUBCOMP is to come.
    Released,
    /// Over, with this outcome that the caller has not taken yet.
    Finished(Outcome),
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged, or sent at QoS 0.
    Done,
    /// The Server refused the subscription with return code 0x80.
    Refused,
}

/// One exchange.
#[derive(Debug, Clone, Copy)]
struct Slot {
    exchange: Exchange,
    stage: Stage,
    /// Position among the slots in use, 0 is the oldest: PUBLISH goes out again in this order [MQTT-4.6.0-1].
    rank: u8,
    /// Whether the packet may have reached the Server before [MQTT-3.3.1-1].
    dup: bool,
    /// Whether a caller waits for the outcome. If not, the slot frees itself.
    awaited: bool,
    /// Means nothing for a PUBLISH at QoS 0.
    identifier: PacketIdentifier,
    answer_due: Instant,
}

/// The table of exchanges under way; `IN_FLIGHT` at most. A slot is named by its index.
#[derive(Debug)]
pub struct Outgoing {
    slots: [Slot; IN_FLIGHT],
    in_use: u8,
    queued: u8,
    next_identifier: PacketIdentifier,
}

impl Outgoing {
    /// Nothing under way.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(IN_FLIGHT >= 2 && IN_FLIGHT <= 32, "IN_FLIGHT is 2 to 32") };
        let free = Slot {
            exchange: Exchange::Unsubscribe,
            stage: Stage::Free,
            rank: 0,
            dup: false,
            awaited: false,
            identifier: PacketIdentifier::FIRST,
            answer_due: Instant::from_ticks_ms(0),
        };
        Outgoing { slots: [free; IN_FLIGHT], in_use: 0, queued: 0, next_identifier: PacketIdentifier::FIRST }
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
            let identifier = self.next_identifier;
            self.next_identifier = identifier.next();
            if !self.slots.iter().any(|slot| slot.stage != Stage::Free && slot.identifier == identifier) {
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
    pub fn begin(&mut self, exchange: Exchange, answer_due: Instant) -> Result<u8, SessionError> {
        let Some((index, _)) = (0..).zip(&self.slots).find(|(_, slot)| slot.stage == Stage::Free) else {
            return Err(SessionError::OutgoingFull);
        };
        if !self.has_room_for(exchange) {
            return Err(SessionError::OutgoingFull);
        }
        let at_most_once = matches!(exchange, Exchange::Publish { qos: QoS::AtMostOnce, .. });
        // At QoS 0 no identifier is used up: the next one stands there without meaning, and others pass over it meanwhile.
        let identifier = if at_most_once { self.next_identifier } else { self.free_identifier() };
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
        let rank = slot.rank;
        if slot.stage == Stage::Queued {
            slot.stage = Stage::Free;
            self.queued = self.queued.saturating_sub(1);
        } else {
            slot.stage = Stage::Free;
        }
        self.in_use = self.in_use.saturating_sub(1);
        if rank < self.in_use {
            for slot in &mut self.slots {
                if slot.stage != Stage::Free && slot.rank > rank {
                    slot.rank -= 1;
                }
            }
        }
    }

    /// The oldest slot whose packet is to be sent.
    #[must_use]
    pub fn next_queued(&self) -> Option<u8> {
        if self.queued == 0 {
            return None;
        }
        let queued = (0..).zip(&self.slots).filter(|(_, slot)| slot.stage == Stage::Queued);
        queued.min_by_key(|(_, slot)| slot.rank).map(|(index, _)| index)
    }

    /// The exchange of a slot in use, its Packet Identifier (without meaning at QoS 0) and its DUP flag.
    #[must_use]
    pub fn packet(&self, index: u8) -> Option<(Exchange, PacketIdentifier, bool)> {
        let slot = self.slot(index).filter(|slot| slot.stage != Stage::Free)?;
        Some((slot.exchange, slot.identifier, slot.dup))
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
    pub fn sent(&mut self, index: u8, answer_due: Instant) {
        let Some(slot) = self.slot_mut(index) else { return };
        if slot.stage != Stage::Queued {
            return;
        }
        slot.dup = true;
        slot.answer_due = answer_due;
        slot.stage = Stage::Sent;
        let over = match slot.exchange {
            Exchange::Publish { qos, .. } => qos == QoS::AtMostOnce,
            // The answer is of no use to anyone any more, and is passed over when it comes.
            Exchange::Subscribe(_) | Exchange::Unsubscribe => !slot.awaited,
        };
        self.queued = self.queued.saturating_sub(1);
        if over {
            self.finish(index, Outcome::Done);
        }
    }

    fn finish(&mut self, index: u8, outcome: Outcome) {
        match self.slot_mut(index) {
            Some(slot) if slot.awaited => slot.stage = Stage::Finished(outcome),
            _ => self.free(index),
        }
    }

    /// The slot at stage `Sent` with this identifier whose exchange `fits`.
    fn find(&self, identifier: PacketIdentifier, stage: Stage, fits: impl Fn(Exchange) -> bool) -> Option<u8> {
        let mut slots = (0..).zip(&self.slots);
        slots
            .find(|(_, slot)| slot.stage == stage && slot.identifier == identifier && fits(slot.exchange))
            .map(|(index, _)| index)
    }

    /// PUBACK, PUBREC or PUBCOMP came: PUBREL where it is the answer [MQTT-4.3.3-1]. One that nobody waits for is passed
    /// over.
    pub fn acknowledged(&mut self, ack: Ack, answer_due: Instant) -> Option<Ack> {
        let identifier = ack.packet_identifier;
        let published_at = |wanted| move |exchange| matches!(exchange, Exchange::Publish { qos, .. } if qos == wanted);
        match ack.ack_type {
            AckType::Puback => {
                if let Some(index) = self.find(identifier, Stage::Sent, published_at(QoS::AtLeastOnce)) {
                    self.finish(index, Outcome::Done);
                }
            }
            AckType::Pubrec => {
                let sent = self.find(identifier, Stage::Sent, published_at(QoS::ExactlyOnce));
                // A repeated PUBREC gets its PUBREL again.
                let index = sent.or_else(|| self.find(identifier, Stage::Released, |_| true))?;
                let slot = self.slot_mut(index)?;
                slot.stage = Stage::Released;
                slot.answer_due = answer_due;
                return Some(Ack { ack_type: AckType::Pubrel, packet_identifier: identifier });
            }
            AckType::Pubcomp => {
                if let Some(index) = self.find(identifier, Stage::Released, |_| true) {
                    self.finish(index, Outcome::Done);
                }
            }
            AckType::Pubrel => {}
        }
        None
    }

    /// SUBACK came, with the Server's refusal or not.
    pub fn subscribed(&mut self, identifier: PacketIdentifier, outcome: Outcome) {
        let subscribe = |exchange| matches!(exchange, Exchange::Subscribe(_));
        if let Some(index) = self.find(identifier, Stage::Sent, subscribe) {
            self.finish(index, outcome);
        }
    }

    /// UNSUBACK came.
    pub fn unsubscribed(&mut self, identifier: PacketIdentifier) {
        let unsubscribe = |exchange| matches!(exchange, Exchange::Unsubscribe);
        if let Some(index) = self.find(identifier, Stage::Sent, unsubscribe) {
            self.finish(index, Outcome::Done);
        }
    }

    /// How the exchange of `index` ended, once it has; its slot is then free.
    pub fn take_outcome(&mut self, index: u8) -> Option<Outcome> {
        let Stage::Finished(outcome) = self.slot(index)?.stage else { return None };
        self.free(index);
        Some(outcome)
    }

    /// Whether the packet of an exchange has not wholly left although its time is over. (What the stream would take after
    /// that is no answer.)
    #[must_use]
    pub fn is_stuck(&self, index: u8, now: Instant) -> bool {
        self.slot(index).is_some_and(|slot| slot.stage == Stage::Queued && slot.answer_due.reached(now))
    }

    /// When the answer of an exchange under way is due.
    #[must_use]
    pub fn answer_due(&self, index: u8) -> Option<Instant> {
        self.slot(index).filter(|slot| slot.stage != Stage::Free).map(|slot| slot.answer_due)
    }

    /// The packet of this slot cannot be sent: the exchange is over.
    pub fn discard(&mut self, index: u8) {
        if self.packet(index).is_some() {
            self.free(index);
        }
    }

    /// Nobody awaits this exchange any longer. A packet that has not `begun` to leave is not sent at all; a message that
    /// has left stays in flight.
    pub fn abandon(&mut self, index: u8, begun: bool) {
        let Some(slot) = self.slot_mut(index) else { return };
        slot.awaited = false;
        let unsent = slot.stage == Stage::Queued && !slot.dup && !begun;
        let answered_in_vain = slot.stage == Stage::Sent && !matches!(slot.exchange, Exchange::Publish { .. });
        if unsent || answered_in_vain || matches!(slot.stage, Stage::Finished(_)) {
            self.free(index);
        }
    }

    /// The connection is gone. With `keep`, a PUBLISH at QoS 1 or 2 that was not acknowledged stays for the next one
    /// [MQTT-4.4.0-1]; all else is over, and nobody awaits anything.
    pub fn connection_lost(&mut self, keep: bool) {
        for index in (0..).take(IN_FLIGHT) {
            let Some(slot) = self.slot_mut(index) else { continue };
            slot.awaited = false;
            let publish = matches!(slot.exchange, Exchange::Publish { qos, .. } if qos != QoS::AtMostOnce);
            match slot.stage {
                Stage::Free => {}
                Stage::Queued | Stage::Released if keep && publish => {}
                Stage::Sent if keep && publish => {
                    slot.stage = Stage::Queued;
                    self.queued += 1;
                }
                _ => self.free(index),
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
            slots.find(|slot| slot.stage == Stage::Released && slot.rank == rank).map(|slot| slot.identifier)
        })
    }

    /// Which slots are in use: bit n is slot n.
    #[must_use]
    pub fn in_use(&self) -> u32 {
        if self.in_use == 0 {
            return 0;
        }
        let used = (0..).zip(&self.slots).filter(|(_, slot)| slot.stage != Stage::Free);
        used.fold(0, |bits, (index, _): (u32, _)| bits | 1 << index)
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
