//! `cmodule/connection.c`, and `hang_up` of mqttclient.c: how a connection begins and ends.

use umqtt::client::Awaited;
use umqtt::codec::Connect;

use super::caller::{Failure, Status, Step};
use super::promises::deadline;
use super::world::{State, World};

impl State {
    fn describe(&self) -> Connect<'static> {
        Connect {
            client_identifier: b"c",
            clean_session: self.caller.clean,
            keep_alive_s: self.net.habits.keep_alive_s,
            will: None,
            user_name: None,
            password: None,
        }
    }

    /// A stream was opened: begins a connection on it.
    fn adopts(&mut self) {
        let connect = self.describe();
        let State { net, caller, .. } = self;
        net.says(format_args!("  connect, clean session {}", connect.clean_session));
        net.opens(connect.clean_session);
        caller.has_stream = true;
        caller.connection += 1;
        caller.client.open(net, &connect).expect("a packet that can be sent");
        caller.forget_finished();
    }

    /// `conclude`.
    fn concludes(&mut self, step: &mut Step, connection: u32, mut status: Status) -> Result<bool, Failure> {
        if status == Status::Done {
            status = self.flush(step, Awaited::Outbox);
            if status == Status::Wait {
                status = Status::Done;
            }
        }
        if status != Status::Done && self.caller.has_stream && self.caller.connection == connection {
            self.drop_stream();
        }
        self.caller.connecting = false;
        match status {
            Status::Fail(failure) => Err(failure),
            status => Ok(status == Status::Done),
        }
    }
}

impl World {
    /// `mqttclient_prepare`, then `mqttclient_connect`.
    pub async fn connects(&self) -> Result<bool, Failure> {
        if self.with(|state| std::mem::replace(&mut state.caller.connecting, true)) {
            return Err(Failure::Connecting);
        }
        self.hang_up(false).await;
        let deadline = self.with(|state| {
            let clean = state.net.chance.one_in(state.net.habits.clean);
            state.caller.clean = clean;
            if clean {
                state.caller.queue.clear();
            }
            deadline(state)
        });
        // Name, TCP and TLS.
        let ms = self.with(|state| state.net.chance.ms(3));
        self.passes(ms).await;
        let (connection, mut step) = self.with(|state| {
            state.adopts();
            (state.caller.connection, state.begin_step())
        });
        let status = self.await_connack(&mut step, connection, deadline).await;
        self.with(|state| state.concludes(&mut step, connection, status))
    }

    async fn await_connack(&self, step: &mut Step, connection: u32, deadline: u64) -> Status {
        loop {
            let status = self.with(|state| {
                let connect = state.describe();
                state.connect_step(step, &connect)
            });
            if status != Status::Wait {
                return status;
            }
            let wait = step.wait.expect("a step that waits");
            let left_ms = self.with(|state| deadline.saturating_sub(state.net.now));
            if left_ms == 0 {
                return Status::Fail(Failure::Timeout);
            }
            self.sleep(wait.read, wait.write, left_ms).await;
            if self.with(|state| state.net.chance.one_in(state.net.habits.interrupts)) {
                return Status::Fail(Failure::Interrupt);
            }
            if self.with(|state| state.caller.connection != connection) {
                return Status::Fail(Failure::Lost);
            }
            step.may_read = true;
        }
    }

    /// `hang_up`: says DISCONNECT and closes; `waits`: until it has left.
    async fn hang_up(&self, waits: bool) {
        if self.with(|state| !state.caller.has_stream) {
            return;
        }
        let (connection, deadline) = self.with(|state| (state.caller.connection, deadline(state)));
        let mut step = self.with(State::begin_step);
        let mut said = false;
        while self.with(|state| state.caller.client.is_open()) {
            let (status, ms) = self.with(|state| {
                said = said || state.caller.client.disconnect() == Ok(true);
                state.caller.disconnecting |= said;
                (state.flush(&mut step, Awaited::Flushed), deadline.saturating_sub(state.net.now))
            });
            if matches!(status, Status::Fail(_)) || said && status == Status::Done || !waits || ms == 0 {
                break;
            }
            self.sleep(false, true, ms).await;
            if self.with(|state| state.caller.connection != connection) {
                break;
            }
        }
        self.with(|state| {
            if state.caller.connection == connection {
                state.caller.client.drain(&mut state.net);
                state.before_close(waits, deadline);
                state.drop_stream();
            }
        });
    }

    /// `mqttclient_disconnect`.
    pub async fn disconnects(&self) -> Result<bool, Failure> {
        if !self.with(|state| state.caller.connecting) {
            self.hang_up(true).await;
        }
        Ok(true)
    }
}
