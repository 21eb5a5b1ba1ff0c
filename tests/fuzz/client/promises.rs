//! What must be true of a client whatever its Server and its caller do.

use umqtt::client::{Awaited, Error, Step};
use umqtt::settings::IN_FLIGHT;

use super::driver::{Driver, Told};
use super::support::caller::TIMEOUT_MS;
use super::support::packets;
use super::support::stream::Input;

impl Driver<'_> {
    /// One poll, and what must be true of what it tells.
    pub fn poll(&mut self, awaited: Awaited, may_read: bool) -> Told<Step> {
        if self.connecting {
            self.connects();
            return Err(Error::NotConnected);
        }
        let (crossed, calls) = (self.caller.stream.crossed, self.caller.stream.calls);
        let told = self.caller.poll_once(awaited, may_read);
        match (told, awaited) {
            (Ok(Step::Wait(wait)), _) => {
                assert!(wait.read || wait.write, "waits for nothing");
                assert!(!wait.write || self.caller.stream.blocks, "waits for a stream that does not block");
                assert!(wait.ms > 0 || self.caller.stream.crossed > crossed, "time is over, and nothing was done");
            }
            (Ok(_) | Err(Error::SubscriptionRefused), Awaited::Slot(slot)) => {
                self.awaited.remove(&slot);
            }
            (Err(Error::Timeout), Awaited::Slot(slot)) => {
                self.caller.client.abandon(slot);
                self.awaited.remove(&slot);
            }
            (Err(Error::Timeout | Error::SubscriptionRefused), _) => panic!("{told:?} for {awaited:?}"),
            (Err(Error::NotConnected), _) => assert_eq!(self.caller.stream.calls, calls, "no connection, yet used"),
            _ => {}
        }
        self.told(Some(awaited), told.map(|_| ()));
        told
    }

    /// After an error the client is either in step or closed.
    pub fn told(&mut self, awaited: Option<Awaited>, told: Told<()>) {
        let is_open = self.caller.client.is_open();
        match told {
            Ok(()) => {}
            Err(Error::NotConnected) => {
                assert!(!is_open || self.disconnecting && awaited != Some(Awaited::Flushed), "there is a connection");
            }
            Err(Error::Encode(_) | Error::Topic(_) | Error::Changed) => panic!("{told:?}: the caller did no wrong"),
            Err(error) => assert_eq!(is_open, !error.is_fatal(), "{error:?}"),
        }
        if !is_open {
            self.awaited.clear();
            self.unacknowledged.clear();
            self.disconnecting = false;
            // Caller::poll, which never has nothing to do, would tell the same.
            let in_flight = self.caller.client.slots_in_use();
            assert!(in_flight == 0 || !self.connect.clean_session, "a clean session is gone with its connection");
        }
    }

    /// What has to be true at any time.
    pub fn look(&mut self, is_quiet: bool) {
        let slots = self.caller.client.slots_in_use();
        assert!(slots >> IN_FLIGHT == 0, "slots {slots:b}");
        let received = self.caller.messages();
        if !self.caller.acknowledges && self.caller.client.is_open() {
            self.unacknowledged.extend(received.iter().map(|received| received.delivery));
        }
        self.caller.stream.server.messages.got(received, is_quiet);
    }

    /// The caller acknowledges the message that has waited longest.
    pub fn acknowledges(&mut self) {
        let Some(&delivery) = self.unacknowledged.front() else { return };
        let is_through = self.caller.client.delivered(delivery)
            || self.poll(Awaited::Outbox, false) == Ok(Step::Done) && {
                assert!(self.caller.client.delivered(delivery), "there was a place in the outbox");
                true
            };
        if is_through {
            self.unacknowledged.pop_front();
        }
    }

    /// Polls until there is nothing to do but wait.
    pub fn settles(&mut self) {
        let octets: usize = self
            .caller
            .stream
            .script
            .inputs
            .iter()
            .map(|input| match input {
                Input::Octets(octets) => 1 + octets.len() / 16,
                _ => 1,
            })
            .sum();
        for _ in 0..octets + self.pings + 16 {
            match self.poll(Awaited::Message, true) {
                Ok(Step::Wait(wait)) if wait.write || wait.ms > 0 && self.caller.stream.script.inputs.is_empty() => {
                    if wait.read && !wait.write {
                        self.is_quiet();
                    }
                    return;
                }
                Ok(_) => {}
                Err(_) if self.connecting && !self.caller.stream.script.inputs.is_empty() => {}
                Err(_) if self.caller.client.is_open() && !self.disconnecting => {}
                Err(_) => return,
            }
        }
        panic!("never comes to rest");
    }

    /// All that came was dealt with, and nothing waits to be sent.
    fn is_quiet(&mut self) {
        self.caller.stream.server.is_quiet();
        self.look(true);
        let server = &self.caller.stream.server;
        let is_sure = self.caller.acknowledges && server.messages.is_sure();
        let written = server.written.iter().filter(|((first, _), _)| *first != 0x62);
        assert!(!is_sure || written.clone().count() == server.messages.due.len(), "answers that are missing");
        assert!(!is_sure || written.into_iter().all(|(which, times)| server.messages.due.get(which) == Some(times)));
    }

    /// Waits for the oldest exchange as long as it takes: it ends, well or not.
    pub fn waits(&mut self) {
        let Some(&slot) = self.awaited.first() else { return };
        let rounds = self.caller.stream.script.inputs.len() + self.caller.stream.script.outputs.len() + 20_000;
        for _ in 0..rounds {
            match self.poll(Awaited::Slot(slot), true) {
                Ok(Step::Wait(wait)) => {
                    assert!(wait.ms <= TIMEOUT_MS, "waits {} ms for an answer", wait.ms);
                    self.caller.pass_ms(wait.ms);
                }
                _ => return,
            }
            self.look(false);
        }
        panic!("never ends");
    }

    /// The Server answers all that it has got.
    pub fn answers(&mut self) {
        let mut octets = Vec::new();
        for (&identifier, exchange) in &self.caller.stream.server.exchanges {
            if exchange.over || exchange.sent_on != self.caller.stream.server.connection {
                continue;
            }
            octets.extend(match (exchange.first & 0xF6, exchange.released) {
                (0x32, _) => packets::puback(identifier),
                (0x34, false) => packets::pubrec(identifier),
                (0x34, true) => packets::pubcomp(identifier),
                (0x82, _) => packets::suback(identifier, 0),
                _ => packets::unsuback(identifier),
            });
        }
        self.comes(&octets);
    }

    /// In the end, whatever happened: a connection that works, on which what was in flight goes out again, and ends.
    pub fn ends(&mut self) {
        if self.caller.client.is_open() {
            self.caller.stream.script.then = None;
            self.caller.stream.script.outputs.clear();
            self.settles();
            self.look(false);
        }
        self.piece = 0;
        self.opens(1);
        self.comes(&packets::CONNACK_PRESENT);
        self.connects();
        self.settles();
        assert_eq!(self.caller.stream.server.unsent(), [], "in flight, and not sent again");
        for _ in 0..2 {
            self.answers();
            self.settles();
        }
        assert!(self.caller.client.is_open());
        assert_eq!(self.caller.client.slots_in_use(), 0, "acknowledged, and still in flight");
    }
}
