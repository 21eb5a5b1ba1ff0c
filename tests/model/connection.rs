//! `cmodule/connection.c`, and `hang_up` of mqttclient.c: how a connection begins and ends.

use umqtt::client::Awaited;

use super::caller::{Failure, Status, Step};
use super::identity::Identity;
use super::promises::deadline;
use super::world::{State, World};

impl State {
    /// A stream was opened: begins a connection on it, of which CONNECT tells this.
    fn adopts(&mut self, identity: &Identity) {
        let State { net, caller, .. } = self;
        let (clean, keep_alive_s) = (caller.clean, net.habits.keep_alive_s);
        let connect = identity.connect(clean, keep_alive_s);
        net.says(format_args!("  connect, clean session {clean}"));
        net.opens(clean);
        net.server.connect = identity.octets(clean, keep_alive_s);
        caller.has_stream = true;
        caller.connection += 1;
        caller.client.open(net, &connect).expect("a packet that can be sent");
        caller.forget_finished();
    }

    /// `mqttclient_hang_up_step`.
    fn hang_up_step(&mut self, step: &mut Step) -> Status {
        let said = match self.caller.client.disconnect() {
            Ok(said) => said,
            Err(error) => return Status::Fail(Failure::Client(error)),
        };
        self.caller.disconnecting |= said;
        let status = self.flush(step, Awaited::Flushed);
        match status {
            Status::Done if said => {
                step.call.may_read = true;
                self.poll_step(step, Awaited::End)
            }
            Status::Done => Status::Wait,
            status => status,
        }
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
        self.caller.forget_finished();
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
                state.caller.kept_len = 0;
            }
            deadline(state)
        });
        // Name, TCP and TLS.
        let ms = self.with(|state| state.net.chance.ms(3));
        self.passes(ms).await;
        let (identity, connection, mut step) = self.with(|state| {
            let State { net, caller, .. } = state;
            if net.chance.one_in(net.habits.changes) {
                caller.identity.changes(&mut net.chance, net.habits.is_slow());
            }
            let identity = caller.identity.clone();
            state.adopts(&identity);
            (identity, state.caller.connection, state.begin_step())
        });
        let status = self.await_connack(&mut step, &identity, connection, deadline).await;
        self.with(|state| state.concludes(&mut step, connection, status))
    }

    async fn await_connack(&self, step: &mut Step, identity: &Identity, connection: u32, deadline: u64) -> Status {
        loop {
            let status = self.with(|state| {
                let connect = identity.connect(state.caller.clean, state.net.habits.keep_alive_s);
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
            if self.is_interrupted() {
                return Status::Fail(Failure::Interrupt);
            }
            if self.with(|state| state.caller.connection != connection) {
                return Status::Fail(Failure::Lost);
            }
            step.call.may_read = true;
        }
    }

    /// `mqttclient_hang_up`: takes leave of the Server and closes; `waits`: until the Server has closed.
    async fn hang_up(&self, waits: bool) {
        if self.with(|state| !state.caller.has_stream) {
            return;
        }
        let connection = self.with(|state| state.caller.connection);
        let deadline = self.with(|state| deadline(state));
        let mut is_patient = waits;
        let mut step = self.with(State::begin_step);
        step.call.deadline = self.with(|state| Some(state.net.instant_at(deadline)));
        // Others find out that they are not connected any more.
        self.with(|state| state.woken += 1);
        loop {
            let status = self.with(|state| state.hang_up_step(&mut step));
            if status != Status::Wait || !waits {
                break;
            }
            // With no place for DISCONNECT before, there is one now.
            if let Some(wait) = step.wait.take() {
                self.sleep(wait.read, wait.write, wait.ms.into()).await;
            }
            if self.is_interrupted() {
                is_patient = false;
                break;
            }
            if self.with(|state| state.caller.connection != connection) {
                return;
            }
        }
        self.with(|state| {
            if state.caller.connection == connection {
                state.before_close(is_patient, deadline);
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
