//! `cmodule/message.c`: what becomes of a message that has come.

use std::rc::Rc;

use super::adapter::{Told, Wish};
use super::caller::{Failure, Kept, Status, Step};
use super::ledger::Coming;
use super::world::{State, World};

/// Callbacks that run one inside the other at most.
const DEPTH: u32 = 3;

impl State {
    /// `mqttclient_make_room`.
    pub fn make_room(&mut self, step: &mut Step) -> Status {
        let Wish { room, come, total } = step.wish.take().expect("a long message");
        let State { net, caller, .. } = self;
        if !net.habits.callback {
            caller.client.decline(true);
            return Status::PollAgain;
        }
        if net.chance.one_in(net.habits.no_memory) {
            let (ledger, unread) = net.server.unread_arrivals();
            ledger.refuses(unread, total, room == 0);
            caller.client.decline(false);
            caller.forget_rooms();
            return Status::Fail(Failure::NoMemory);
        }
        let more = net.chance.pick(&[2_048, 1, 64, 1 << 20]);
        // What was not lent is asked for again, and may be there.
        let len = total.min(come + more).max(caller.rooms[room].len());
        caller.rooms[room].resize(len, 0);
        Status::PollAgain
    }

    /// `take`: the objects of a message that has just come; `None` if there is no memory for them.
    pub fn take(&mut self, told: &Told) -> Option<Kept> {
        let State { net, caller, .. } = self;
        let message = net.server.ledger.tells(told);
        net.says(format_args!("    message {} at QoS {}, {}", message.name(), told.qos, told.identifier));
        if net.chance.one_in(net.habits.no_memory) {
            caller.forget_rooms();
            return None;
        }
        let is_wanted = !told.is_dropped && net.habits.callback;
        if is_wanted {
            // Rooms are lent for a long message only, and are empty else.
            let object = |room: &Vec<u8>, buffered: Option<&Vec<u8>>, len: usize| match buffered {
                Some(octets) if room.is_empty() => octets.clone(),
                _ => room[..len].to_vec(),
            };
            let (topic, payload) = told.octets.as_ref().map(|(topic, payload)| (topic, payload)).unzip();
            let topic = object(&caller.rooms[0], topic, told.topic_len);
            let payload = object(&caller.rooms[1], payload, told.payload_len);
            assert!(topic == message.topic, "another topic than {}", message.name());
            assert!(payload == message.payload, "another payload than that of {}", message.name());
        }
        caller.forget_rooms();
        if message.qos() == 2 {
            caller.client.taken(2, message.identifier);
            net.server.ledger.taken(&message);
        }
        Some(Kept { message, connection: caller.connection, is_wanted })
    }

    /// The caller is through with a message.
    pub fn acknowledges(&mut self, message: &Coming) {
        self.net.server.ledger.acknowledges(message);
        self.caller.client.delivered(message.qos(), message.identifier);
    }
}

impl World {
    /// `mqttclient_call_back`.
    pub async fn call_back(&self, kept: &Kept) -> Result<(), Failure> {
        if !kept.is_wanted || self.with(|state| !state.net.habits.callback) {
            return Ok(());
        }
        let outer_thread = self.with(|state| {
            state.caller.callback_depth += 1;
            let thread = state.thread;
            state.caller.callback_thread.replace(thread)
        });
        let told = self.callback(kept.message.clone()).await;
        self.with(|state| {
            state.caller.callback_depth -= 1;
            state.caller.callback_thread = outer_thread;
            state.woken += 1;
        });
        told
    }

    /// The callback: takes its time, uses the client, raises.
    async fn callback(&self, message: Rc<Coming>) -> Result<(), Failure> {
        self.with(|state| state.net.says(format_args!("  callback {}", message.name())));
        let ms = self.with(|state| state.net.chance.ms(state.net.habits.callback_ms));
        self.passes(ms).await;
        self.with(|state| state.net.callback_ms += ms);
        let calls = self.with(|state| {
            let State { net, caller, .. } = state;
            caller.callback_depth <= DEPTH && net.chance.one_in(net.habits.callback_calls)
        });
        if calls {
            let told = Box::pin(self.method()).await;
            if told.is_err() && self.with(|state| state.net.chance.one_in(3)) {
                return Err(Failure::Callback);
            }
        }
        if self.with(|state| state.net.chance.one_in(state.net.habits.callback_raises)) {
            return Err(Failure::Callback);
        }
        Ok(())
    }
}
