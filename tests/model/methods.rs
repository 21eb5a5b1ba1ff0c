//! `cmodule/mqttclient.c`, `quick.c` and `asynchronous.c`: the methods, called as chance says.

use umqtt::client::Awaited;
use umqtt::codec::QoS;
use umqtt::session::Exchange;

use super::caller::{Failure, Held, Status, Step};
use super::exchanges::Begun;
use super::promises::deadline;
use super::support::packets;
use super::world::{State, World};

impl State {
    /// What an exchange is to be about.
    fn draws(&mut self) -> (Exchange, Held) {
        let net = &mut self.net;
        let number = self.caller.numbers + 1;
        let which = net.chance.pick(&[0, 0, 0, 0, 0, 0, 1, 2]);
        let qos = net.chance.pick(&[QoS::AtLeastOnce, QoS::ExactlyOnce, QoS::AtMostOnce]);
        let retain = net.chance.one_in(4);
        let mut topic = format!("{}/{number}/", if which == 0 { "p" } else { "f" }).into_bytes();
        let topic_len = net.chance.pick(&[0, 0, 20, 300, 600]);
        topic.resize(topic.len().max(topic_len), b't');
        let lens = [5, 0, 60, 130, 500, 700, 2_000, 20_000];
        let len = net.chance.pick(&lens[..if net.habits.is_slow() { 6 } else { 8 }]);
        let payload = if which == 0 { packets::numbered(len + net.chance.below(8)) } else { Vec::new() };
        let exchange = match which {
            0 => Exchange::Publish { qos, retain },
            1 => Exchange::Subscribe(qos),
            _ => Exchange::Unsubscribe,
        };
        (exchange, Held { number, topic, payload })
    }

    /// The device is switched off and on, if nobody is in the middle of something: whether it was.
    fn restarts(&mut self) -> bool {
        if self.net.habits.threads > 1 || self.caller.callback_depth > 0 {
            return false;
        }
        let taken: Vec<u16> = self.net.server.exchanges.identifiers().collect();
        let is_near = |seed: u16| taken.iter().any(|&other| other.wrapping_sub(seed) < 200);
        let mut seed = u16::try_from(self.net.chance.below(65_000)).expect("16 bits");
        while is_near(seed) {
            seed = seed.wrapping_add(199);
        }
        self.net.says("the device restarts");
        self.net.server.exchanges.orphans();
        self.net.server.ledger.restarts();
        self.net.forgets();
        self.caller.restarts(seed);
        true
    }

    /// `discard`, of one message or of all.
    fn discards(&mut self) {
        let State { net, caller, .. } = self;
        let one = net.chance.one_in(2).then(|| net.chance.below(caller.held.len()));
        net.says(format_args!("  discard {one:?}"));
        for (slot, held) in caller.held.iter().enumerate() {
            let Some(held) = held.as_ref().filter(|_| one.is_none_or(|one| one == slot)) else { continue };
            let slot = u8::try_from(slot).expect("a slot");
            if !caller.client.is_awaited(slot) {
                net.server.exchanges.is_discarded(held.number);
            }
            caller.client.discard(slot);
        }
        caller.forget_finished();
        self.woken += 1;
    }

    /// `mqttclient_begin`.
    fn begin(&mut self, step: &mut Step, exchange: Exchange, held: &Held) -> Status {
        let first = match exchange {
            Exchange::Publish { qos, retain } => 0x30 | (qos as u8) << 1 | u8::from(retain),
            Exchange::Subscribe(_) => 0x82,
            Exchange::Unsubscribe => 0xA2,
        };
        let Held { number, topic, payload } = held;
        self.net.says(format_args!(
            "  begin {number}: {exchange:?}, {} and {} octets, for thread {}",
            topic.len(),
            payload.len(),
            self.thread
        ));
        self.caller.numbers = self.caller.numbers.max(*number);
        let born_on = self.net.server.connection;
        let mut begun = Begun::new(first, topic, payload, born_on);
        begun.born_at = self.net.now;
        begun.excused_ms = self.net.late_ms + self.net.callback_ms;
        self.net.server.exchanges.all.insert(*number, begun);
        *step = self.begin_step();
        self.begin_exchange(step, exchange, held)
    }
}

impl World {
    /// `exchange` of mqttclient.c: waits for a place if there is none.
    async fn carries_out(&self) -> Result<bool, Failure> {
        let (exchange, mut held) = self.with(State::draws);
        loop {
            let mut step = Step::new(false);
            let status = self.with(|state| {
                // While it waited, others may have begun: numbers go up as packets do.
                let number = state.caller.numbers + 1;
                held.renumber(number);
                state.begin(&mut step, exchange, &held)
            });
            if status != Status::Full {
                let told = self.see_through(&mut step, exchange, &held, status).await;
                self.with(|state| state.exchange_ends(held.number, told));
                return told;
            }
            let awaited = Awaited::RoomFor(match exchange {
                Exchange::Publish { qos: QoS::AtLeastOnce | QoS::ExactlyOnce, .. } => exchange,
                _ => Exchange::Unsubscribe,
            });
            let deadline = self.with(|state| deadline(state));
            self.run_method(&mut step, awaited, Status::Full, true, Some(deadline)).await?;
        }
    }

    /// The short way for PUBACK, or the loop.
    async fn see_through(
        &self,
        step: &mut Step,
        exchange: Exchange,
        held: &Held,
        status: Status,
    ) -> Result<bool, Failure> {
        #[cfg(feature = "quick")]
        if let (Exchange::Publish { qos: QoS::AtLeastOnce, .. }, Status::Wait, Some(wait), Some(slot)) =
            (exchange, status, step.wait, step.begun)
        {
            if wait.read && !wait.write && !step.call.may_read {
                return self.await_puback(step, held, wait, slot).await;
            }
        }
        let _ = exchange;
        // Under TLS nothing was read yet, and what the stream holds no sleep would see.
        let looks = cfg!(feature = "quick") && status == Status::Wait && step.call.may_read;
        let status = if looks { Status::PollAgain } else { status };
        self.exchange(step, held.clone(), status, true).await
    }

    /// `await_puback` of quick.c.
    #[cfg(feature = "quick")]
    async fn await_puback(
        &self,
        step: &mut Step,
        held: &Held,
        wait: umqtt::client::Wait,
        slot: u8,
    ) -> Result<bool, Failure> {
        let connection = self.with(|state| {
            state.caller.held[usize::from(slot)] = Some(held.clone());
            state.caller.connection
        });
        let ms = if wait.ms == u32::MAX { u64::MAX } else { wait.ms.into() };
        self.sleep(true, false, ms).await;
        let is_interrupted = self.is_interrupted();
        let status = self.with(|state| {
            if is_interrupted {
                return Status::Fail(Failure::Interrupt);
            }
            if state.caller.connection != connection {
                return Status::Fail(Failure::Lost);
            }
            let State { net, caller, .. } = state;
            match caller.client.puback(net, slot) {
                Ok(true) => Status::Done,
                Ok(false) => Status::Wait,
                Err(error) => Status::Fail(Failure::Client(error)),
            }
        });
        match status {
            Status::Fail(failure) => self.with(|state| {
                state.fail(Awaited::Slot(slot), connection, failure);
                Err(failure)
            }),
            Status::Done if self.with(|state| state.caller.queue.is_empty()) => self.with(|state| {
                state.caller.held[usize::from(slot)] = None;
                state.finish();
                Ok(true)
            }),
            Status::Wait => {
                *step = Step { begun: step.begun, ..Step::new(true) };
                self.run_method(step, Awaited::Slot(slot), Status::PollAgain, true, None).await
            }
            status => self.run_method(step, Awaited::Slot(slot), status, true, None).await,
        }
    }

    /// `start`, and `finished` from time to time.
    async fn starts(&self) -> Result<bool, Failure> {
        let (exchange, held) = self.with(State::draws);
        let mut step = Step::new(false);
        let status = self.with(|state| state.begin(&mut step, exchange, &held));
        if status == Status::Full {
            self.with(State::finish);
            return Ok(false);
        }
        let place = step.begun;
        let connection = self.with(|state| state.caller.connection);
        let mut told = self.exchange(&mut step, held.clone(), status, false).await;
        while told == Ok(false) {
            let (ms, pause_ms) = self.with(|state| {
                let pause_ms = state.net.habits.timeout_ms / 20;
                (state.net.chance.ms(100), 1 + state.net.chance.ms(pause_ms))
            });
            self.sleep(true, true, ms).await;
            self.passes(pause_ms).await;
            let slot = place.expect("a place of what is not over");
            if self.with(|state| {
                state.caller.connection != connection || state.caller.number_of(slot) != Some(held.number)
            }) {
                return Err(Failure::Lost);
            }
            step = Step::new(true);
            told = self.run_method(&mut step, Awaited::Slot(slot), Status::PollAgain, false, None).await;
        }
        self.with(|state| state.exchange_ends(held.number, told));
        told
    }

    /// `receive`: `check_msg` or `wait_msg`.
    pub async fn receives(&self, waits: bool) -> Result<bool, Failure> {
        let mut step = Step::new(true);
        if self.with(|state| !state.caller.has_stream) {
            return Err(Failure::Client(umqtt::client::Error::NotConnected));
        }
        self.run_method(&mut step, Awaited::Message, Status::PollAgain, waits, None).await
    }

    /// `mqttclient_ping`.
    async fn pings(&self) -> Result<bool, Failure> {
        loop {
            let (mut step, deadline) = self.with(|state| (state.begin_step(), deadline(state)));
            self.run_method(&mut step, Awaited::Outbox, Status::PollAgain, true, Some(deadline)).await?;
            let status = self.with(|state| {
                step = state.begin_step();
                match state.caller.client.ping(&state.net) {
                    Ok(true) => Status::PollAgain,
                    Ok(false) => Status::Full,
                    Err(error) => Status::Fail(Failure::Client(error)),
                }
            });
            self.run_method(&mut step, Awaited::Flushed, status, false, None).await?;
            if status != Status::Full {
                return Ok(true);
            }
        }
    }

    /// Some method.
    pub async fn method(&self) -> Result<bool, Failure> {
        let (which, is_idle) = self.with(|state| {
            let is_idle = !state.caller.has_stream && !state.caller.connecting;
            (state.net.chance.below(40), is_idle)
        });
        self.with(|state| state.net.says(format_args!("thread {} calls {which}", state.thread)));
        match which {
            _ if is_idle => self.connects().await,
            0..16 => self.carries_out().await,
            16..20 => self.starts().await,
            20..27 => self.receives(false).await,
            27..31 => self.receives(true).await,
            31..34 => self.pings().await,
            34 => self.disconnects().await,
            35 => self.connects().await,
            37 if self.with(State::restarts) => Ok(true),
            38 => {
                self.with(State::discards);
                Ok(true)
            }
            36 => {
                self.with(|state| state.caller.has_stream.then(|| state.drop_stream()));
                Ok(true)
            }
            _ => {
                let ms = self.with(|state| {
                    let timeout_ms = state.net.habits.timeout_ms;
                    state.net.chance.pick(&[1, 20, timeout_ms / 2, timeout_ms * 2, 50_000])
                });
                self.passes(ms).await;
                Ok(true)
            }
        }
    }

    /// A thread: method after method.
    pub async fn thread(&self) {
        while self.with(|state| {
            let goes_on = state.calls > 0 && !state.net.chance.is_over();
            state.calls = state.calls.saturating_sub(1);
            goes_on
        }) {
            let _ = self.method().await;
        }
    }
}

impl Held {
    /// The same under another number.
    fn renumber(&mut self, number: u32) {
        let text = format!("/{number}/");
        let old = format!("/{}/", self.number);
        self.topic = [&self.topic[..1], text.as_bytes(), &self.topic[1 + old.len()..]].concat();
        self.number = number;
    }
}
