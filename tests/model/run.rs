//! `cmodule/exchange.c`: the loop that carries out what Rust's steps say.

use umqtt::client::Awaited;
use umqtt::settings::IN_FLIGHT;

use super::caller::{Failure, Held, Kept, Status, Step};
use super::promises::Run;
use super::world::{State, World};

/// No limit of C's own.
pub const NO_DEADLINE: u64 = u64::MAX;

/// Sleeps after which somebody presses Ctrl-C: wait_msg may wait for ever.
const SLEEPS: u32 = 2_000;

impl State {
    /// `may_deliver`.
    fn may_deliver(&self, awaited: Awaited) -> bool {
        let awaits_message = awaited == Awaited::Message;
        if self.caller.callback_depth == 0 {
            return self.caller.receivers == 0 || awaits_message;
        }
        self.caller.callback_thread == Some(self.thread) && awaits_message
    }

    /// `mqttclient_fail`.
    pub fn fail(&mut self, awaited: Awaited, connection: u32) {
        if connection == self.caller.connection {
            if let Awaited::Slot(slot) = awaited {
                if self.caller.client.is_open() {
                    self.gives_up(slot);
                    self.caller.client.abandon(slot);
                }
            }
            self.drop_if_closed();
        }
        self.finish();
    }

    /// `mqttclient_finish`.
    pub fn finish(&mut self) {
        self.caller.forget_finished();
        self.woken += 1;
        self.ends_of_methods();
    }
}

impl World {
    /// `deliver`, from the objects of the message on.
    async fn deliver(&self, step: &mut Step, kept: Kept) -> Status {
        if let Err(failure) = self.call_back(&kept).await {
            return Status::Fail(failure);
        }
        self.with(|state| {
            *step = Step { begun: step.begun, sleeps: step.sleeps, ..state.begin_step() };
            if kept.message.qos() == 0 || kept.connection != state.caller.connection {
                return Status::Delivered;
            }
            if !state.caller.client.is_open() {
                return Status::Delivered;
            }
            state.acknowledges(&kept.message);
            match state.flush(step, Awaited::Flushed) {
                Status::Fail(failure) => Status::Fail(failure),
                _ => Status::Delivered,
            }
        })
    }

    /// `wait_step`.
    async fn wait_step(&self, step: &mut Step, awaited: Awaited, deadline: u64) -> Status {
        let wait = step.wait.expect("a step that waits");
        let slept = self.with(|state| {
            let left_ms = deadline.saturating_sub(state.net.now);
            if left_ms == 0 {
                return None;
            }
            let has_message = awaited == Awaited::Message && !state.caller.queue.is_empty();
            state.before_sleep(wait, has_message);
            let ms = if wait.ms == u32::MAX { u64::MAX } else { wait.ms.into() };
            Some((wait.read && !has_message, wait.write && !has_message, ms.min(left_ms)))
        });
        let Some((read, write, ms)) = slept else { return Status::Fail(Failure::Timeout) };
        self.sleep(read, write, ms).await;
        step.may_read = true;
        step.sleeps += 1;
        if step.sleeps > SLEEPS || self.with(|state| state.net.chance.one_in(state.net.habits.interrupts)) {
            return Status::Fail(Failure::Interrupt);
        }
        Status::PollAgain
    }

    /// `message_step`.
    async fn message_step(&self, step: &mut Step, awaited: Awaited) -> Status {
        let taken = self.with(|state| {
            let waits = !state.caller.queue.is_empty() || !state.may_deliver(awaited);
            let told = step.told.take().expect("a message");
            match state.take(&told) {
                None => Err(Status::Fail(Failure::NoMemory)),
                Some(kept) if waits => {
                    state.caller.queue.push_back(kept);
                    state.woken += 1;
                    Err(Status::PollAgain)
                }
                Some(kept) => Ok(kept),
            }
        });
        match taken {
            Ok(kept) => self.deliver(step, kept).await,
            Err(status) => status,
        }
    }

    /// `act_on`.
    async fn act_on(&self, step: &mut Step, awaited: Awaited, status: Status, deadline: u64) -> Status {
        match status {
            Status::Wait => self.wait_step(step, awaited, deadline).await,
            Status::Lend => {
                self.with(|state| state.lend(step));
                Status::PollAgain
            }
            Status::Room => self.with(|state| state.make_room(step)),
            Status::Message => self.message_step(step, awaited).await,
            Status::Queued => {
                let kept = self.with(|state| state.caller.queue.pop_front()).expect("a message that waits");
                self.deliver(step, kept).await
            }
            status => status,
        }
    }

    /// `mqttclient_run`: whether what is awaited has come.
    pub async fn run_method(
        &self,
        step: &mut Step,
        mut awaited: Awaited,
        mut status: Status,
        waits: bool,
        deadline: u64,
    ) -> Result<bool, Failure> {
        let awaits_message = awaited == Awaited::Message;
        let connection = self.with(|state| state.caller.connection);
        let mut run = self.with(|state| Run::new(state, awaited, deadline));
        let mut is_done = false;
        step.lends = None;
        self.with(|state| state.caller.receivers += u32::from(awaits_message));
        while status != Status::Wait || waits {
            let is_delivery = matches!(status, Status::Message | Status::Queued);
            let before = self.with(|state| state.net.now);
            status = self.act_on(step, awaited, status, deadline).await;
            self.with(|state| run.looks(state, is_delivery.then_some(before), is_done));
            if let Status::Fail(_) = status {
                break;
            }
            is_done |= status == Status::Done;
            if let (Status::Done, Awaited::Slot(slot)) = (status, awaited) {
                self.with(|state| state.caller.held[usize::from(slot)] = None);
                awaited = Awaited::Flushed;
            }
            if awaits_message && (is_done || status == Status::Delivered) {
                break;
            }
            if self.with(|state| !state.caller.queue.is_empty() && state.may_deliver(awaited)) {
                status = Status::Queued;
            } else if is_done {
                break;
            } else if self.with(|state| state.caller.connection != connection) {
                status = Status::Fail(Failure::Lost);
                break;
            } else {
                status = self.with(|state| state.poll_step(step, awaited));
            }
        }
        self.with(|state| {
            state.caller.receivers -= u32::from(awaits_message);
            if let Status::Fail(failure) = status {
                run.fails(state, failure);
                state.fail(awaited, connection);
                return Err(failure);
            }
            state.finish();
            Ok(is_done)
        })
    }

    /// `mqttclient_exchange`, from the status of the step that began it.
    pub async fn exchange(&self, step: &mut Step, held: Held, status: Status, waits: bool) -> Result<bool, Failure> {
        let mut awaited = Awaited::Flushed;
        if let Some(slot) = step.begun.filter(|_| status != Status::Done) {
            assert!(usize::from(slot) < IN_FLIGHT, "slot {slot}");
            awaited = Awaited::Slot(slot);
            self.with(|state| state.caller.held[usize::from(slot)] = Some(held));
        }
        self.run_method(step, awaited, status, waits, NO_DEADLINE).await
    }
}
