//! `cmodule/exchange.c`: the loop that carries out what Rust's steps say.

use umqtt::client::{Awaited, Error};
use umqtt::settings::IN_FLIGHT;

use super::caller::{Failure, Held, Kept, Status, Step};
use super::promises::Run;
use super::world::{State, World};

/// Sleeps after which somebody presses Ctrl-C: wait_msg may wait for ever.
const SLEEPS: u32 = 2_000;

impl State {
    /// `may_deliver`.
    fn may_deliver(&self, step: &Step, awaited: Awaited) -> bool {
        let awaits_message = awaited == Awaited::Message;
        if step.is_late {
            return false;
        }
        if self.caller.callback_depth == 0 {
            return self.caller.receivers == 0 || awaits_message;
        }
        self.caller.callback_thread == Some(self.thread) && awaits_message
    }

    /// `promise_kept`, of the oldest message in the queue.
    fn is_promised(&mut self) -> bool {
        let caller = &mut self.caller;
        let Some(kept) = caller.queue.front_mut() else { return false };
        kept.is_promised =
            kept.connection != caller.connection || caller.client.promise(kept.message.qos(), kept.message.identifier);
        kept.is_promised
    }

    /// `mqttclient_fail`.
    pub fn fail(&mut self, awaited: Awaited, connection: u32, failure: Failure) {
        if connection == self.caller.connection {
            if let Awaited::Slot(slot) = awaited {
                if self.caller.client.is_open() {
                    self.gives_up(slot);
                    self.caller.client.abandon(slot);
                    let is_timeout = matches!(failure, Failure::Timeout | Failure::Client(Error::Timeout));
                    if is_timeout && self.caller.clean {
                        // It is over then: nothing is sent again.
                        self.caller.client.discard(slot);
                    }
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
    /// `deliver`, from the objects of the message on; with those of one that was kept.
    async fn deliver(&self, step: &mut Step, told: Result<Kept, Kept>) -> Status {
        let (kept, told) = match told {
            Ok(kept) => {
                let told = self.call_back(&kept).await;
                (kept, told)
            }
            Err(kept) => (kept, Err(Failure::NoMemory)),
        };
        self.with(|state| {
            let is_ours = kept.connection == state.caller.connection;
            if kept.is_promised && is_ours {
                state.is_through(&kept.message, told.is_ok());
            }
            if let Err(failure) = told {
                return Status::Fail(failure);
            }
            if kept.message.qos() > 0 && is_ours {
                let deadline = step.call.deadline.take();
                let status = state.flush(step, Awaited::Flushed);
                step.call.deadline = deadline;
                if let Status::Fail(_) = status {
                    return status;
                }
            }
            step.call.may_read = state.net.habits.tls;
            Status::Delivered
        })
    }

    /// `wait_step`.
    async fn wait_step(&self, step: &mut Step, awaited: Awaited) -> Status {
        let wait = step.wait.expect("a step that waits");
        let has_message = self.with(|state| {
            let has_message =
                awaited == Awaited::Message && !state.caller.queue.is_empty() && !state.may_deliver(step, awaited);
            state.before_sleep(wait, has_message || !step.call.takes);
            has_message
        });
        let ms = if wait.ms == u32::MAX { u64::MAX } else { wait.ms.into() };
        self.sleep(wait.read && !has_message, wait.write && !has_message, ms).await;
        step.call.may_read = true;
        step.sleeps += 1;
        if step.sleeps > SLEEPS || self.is_interrupted() {
            return Status::Fail(Failure::Interrupt);
        }
        Status::PollAgain
    }

    /// Whether Ctrl-C comes.
    pub fn is_interrupted(&self) -> bool {
        self.with(|state| state.net.chance.one_in(state.net.habits.interrupts))
    }

    /// `message_step`.
    async fn message_step(&self, step: &mut Step, awaited: Awaited) -> Status {
        let told = self.with(|state| {
            let told = step.told.take().expect("a message");
            let is_wanted = !told.is_dropped && state.net.habits.callback;
            if !is_wanted || state.caller.queue.is_empty() && state.may_deliver(step, awaited) {
                return Ok(state.take_new(&told));
            }
            let status = state.keep(&told);
            state.woken += 1;
            Err(status)
        });
        match told {
            Ok(told) => self.deliver(step, told).await,
            Err(status) => status,
        }
    }

    /// `act_on`.
    async fn act_on(&self, step: &mut Step, awaited: Awaited, status: Status) -> Status {
        match status {
            Status::Wait => self.wait_step(step, awaited).await,
            Status::Lend => {
                self.with(|state| state.lend(step));
                Status::PollAgain
            }
            Status::Room => self.with(|state| state.make_room(step)),
            Status::Message => self.message_step(step, awaited).await,
            Status::Queued => {
                let told = self.with(State::take_kept);
                self.deliver(step, told).await
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
        deadline: Option<u64>,
    ) -> Result<bool, Failure> {
        let awaits_message = awaited == Awaited::Message;
        let connection = self.with(|state| state.caller.connection);
        let mut run = self.with(|state| Run::new(state, awaited, deadline, waits));
        let mut is_done = false;
        step.lends = None;
        step.call.deadline = self.with(|state| deadline.map(|at| state.net.instant_at(at)));
        self.with(|state| state.caller.receivers += u32::from(awaits_message));
        while status != Status::Wait || waits {
            let is_delivery = matches!(status, Status::Message | Status::Queued);
            let before = self.with(|state| state.net.now);
            status = self.act_on(step, awaited, status).await;
            let delivers_since = is_delivery.then_some(before);
            if let Status::Fail(_) = status {
                self.with(|state| run.delivers(state, delivers_since));
                break;
            }
            self.with(|state| run.looks(state, delivers_since, is_done));
            is_done |= status == Status::Done;
            if let (Status::Done, Awaited::Slot(slot)) = (status, awaited) {
                self.with(|state| state.caller.held[usize::from(slot)] = None);
                awaited = Awaited::Flushed;
            }
            if awaits_message && (is_done || status == Status::Delivered) {
                break;
            }
            if status == Status::Delivered && self.is_interrupted() {
                status = Status::Fail(Failure::Interrupt);
                break;
            }
            let hands_over = |step: &Step| self.with(|state| state.may_deliver(step, awaited) && state.is_promised());
            if status != Status::Delivered && hands_over(step) {
                status = Status::Queued;
            } else if is_done {
                break;
            } else if self.with(|state| state.caller.connection != connection) {
                status = Status::Fail(Failure::Lost);
                break;
            } else if step.is_late && step.late == u8::MAX {
                // A Server that sends without end is not awaited.
                status = Status::Fail(Failure::Timeout);
                break;
            } else {
                step.late += u8::from(step.is_late);
                status = self.with(|state| state.poll_step(step, awaited));
                if status == Status::Wait && hands_over(step) {
                    status = Status::Queued;
                }
            }
        }
        self.with(|state| {
            state.caller.receivers -= u32::from(awaits_message);
            if let Status::Fail(failure) = status {
                run.fails(state, step, failure);
                state.fail(awaited, connection, failure);
                state.ends_of_time_out(awaited, connection, failure);
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
        self.run_method(step, awaited, status, waits, None).await
    }
}
