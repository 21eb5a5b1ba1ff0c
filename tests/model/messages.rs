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
            caller.forget_rooms();
            return Status::PollAgain;
        }
        if caller.rooms[room].len() > come {
            return Status::PollAgain; // there is room, it was only not lent
        }
        if net.chance.one_in(net.habits.no_memory) {
            let (ledger, unread) = net.server.unread_arrivals();
            ledger.refuses(unread, total, room == 0);
            caller.client.decline(false);
            caller.forget_rooms();
            return Status::Fail(Failure::NoMemory);
        }
        let more = net.chance.pick(&[2_048, 1, 64, 1 << 20]);
        caller.rooms[room].resize(total.min(come + more), 0);
        Status::PollAgain
    }

    /// The message that has just been told, compared with the one that is due.
    fn due(&mut self, told: &Told) -> Rc<Coming> {
        let State { net, caller, .. } = self;
        let octets = match &told.octets {
            Some((topic, payload)) => (&topic[..], &payload[..]),
            None if told.is_dropped => (&[][..], &[][..]),
            None => (&caller.rooms[0][..told.topic_len], &caller.rooms[1][..told.payload_len]),
        };
        let message = net.server.ledger.tells(told, octets);
        net.says(format_args!("    message {} at QoS {}, {}", message.name(), told.qos, told.identifier));
        if !told.is_dropped && net.habits.callback {
            assert!(octets.0 == message.topic, "another topic than {}", message.name());
            assert!(octets.1 == message.payload, "another payload than that of {}", message.name());
        }
        message
    }

    /// `take_new`: the objects of a message that has just come; an error if there is no memory for them.
    pub fn take_new(&mut self, told: &Told) -> Result<Kept, Kept> {
        let is_promised = self.caller.client.promise(told.qos, told.identifier);
        let message = self.due(told);
        let State { net, caller, .. } = self;
        let connection = caller.connection;
        let is_wanted = !told.is_dropped && net.habits.callback;
        let kept = Kept { message, connection, is_wanted, is_promised };
        caller.forget_rooms();
        if net.chance.one_in(net.habits.no_memory) {
            return Err(kept);
        }
        self.takes(&kept.message);
        Ok(kept)
    }

    /// The caller has taken a message.
    fn takes(&mut self, message: &Coming) {
        if message.qos() == 2 {
            self.caller.client.taken(2, message.identifier);
            self.net.server.ledger.taken(message);
        }
    }

    /// `mqttclient_keep`.
    pub fn keep(&mut self, told: &Told) -> Status {
        let message = self.due(told);
        let State { net, caller, .. } = self;
        if net.chance.one_in(net.habits.no_memory) {
            // It is not acknowledged, so that the Server keeps it.
            caller.forget_rooms();
            return Status::Fail(Failure::NoMemory);
        }
        caller.forget_rooms();
        caller.kept_len += 40 + message.topic.len() + message.payload.len();
        let connection = caller.connection;
        let message_kept = message.clone();
        caller.queue.push_back(Kept { message: message_kept, connection, is_wanted: true, is_promised: false });
        self.takes(&message);
        Status::PollAgain
    }

    /// `take_kept`: the oldest message of the queue; an error if there is no memory for its objects, and it stays there.
    pub fn take_kept(&mut self) -> Result<Kept, Kept> {
        let State { net, caller, .. } = self;
        let kept = caller.queue.front().expect("a message that waits").clone();
        if net.chance.one_in(net.habits.no_memory) {
            return Err(kept);
        }
        caller.queue.pop_front();
        caller.kept_len -= 40 + kept.message.topic.len() + kept.message.payload.len();
        Ok(kept)
    }

    /// The caller is through with a message that a place was promised for.
    pub fn is_through(&mut self, message: &Coming, acknowledges: bool) {
        if acknowledges && self.caller.client.is_open() && !self.caller.disconnecting {
            self.net.server.ledger.acknowledges(message);
        }
        self.caller.client.delivered(message.qos(), message.identifier, acknowledges);
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
        self.with(|state| {
            state.net.callbacks += 1;
            state.net.says(format_args!("  callback {}", message.name()));
        });
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
