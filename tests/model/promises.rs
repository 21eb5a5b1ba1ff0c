//! What is asserted of the caller's methods and of their time. `ledger` and `exchanges` assert the rest.

use umqtt::client::{Awaited, Error, Wait};
use umqtt::session::SessionError;

use super::caller::{Failure, Status, Step};
use super::exchanges::Begun;
use super::world::State;

/// Steps without the clock, without octets, without messages.
const IDLE: u32 = 50;
/// Steps without octets, without messages, without methods that begin, however much time passes.
const STILL: u32 = 500;
/// Steps after what is awaited has come, or its time is over.
const OVERDUE: u32 = 2_000;
/// Reads that the client makes in a poll at most.
const READS: u32 = 32;

/// What one run of the loop is held to.
pub struct Run {
    number: Option<u32>,
    /// Since when it waits, and for how long C lets it.
    began: u64,
    deadline: Option<u64>,
    has_limit: bool,
    /// Whether it sleeps. If not, its caller comes again when he likes.
    waits: bool,
    excused_ms: u64,
    own_callbacks_ms: u64,
    /// As [`Run::since`] was before the last step.
    since: u64,
    seen: (u64, u64, u64, usize),
    runs: u64,
    idle: u32,
    still: u32,
    overdue: u32,
}

impl Run {
    pub fn new(state: &mut State, awaited: Awaited, deadline: Option<u64>, waits: bool) -> Self {
        state.runs += 1;
        let number = match awaited {
            Awaited::Slot(slot) => state.caller.number_of(slot),
            _ => None,
        };
        let begun = number.and_then(|number| state.net.server.exchanges.all.get(&number));
        Run {
            number,
            began: state.net.now,
            deadline,
            has_limit: !matches!(awaited, Awaited::Message | Awaited::Flushed),
            waits,
            excused_ms: begun.map_or(state.net.late_ms + state.net.callback_ms, |begun| begun.excused_ms),
            own_callbacks_ms: 0,
            since: state.net.now,
            seen: (0, 0, 0, 0),
            runs: state.runs,
            idle: 0,
            still: 0,
            overdue: 0,
        }
    }

    /// Since when nothing came that lets it wait on.
    fn since(&self, state: &State) -> u64 {
        let server = &state.net.server;
        let Some(begun) = self.number.and_then(|number| server.exchanges.all.get(&number)) else { return self.began };
        // PUBREC may lie behind a message that nobody can take, and PUBREL may not have left.
        let may_wait = begun.pubrec_at.filter(|_| state.was_blocked()).map(|at| at.max(state.net.blocked_at));
        let pubrec_at = may_wait.or(begun.pubrel_at);
        match (pubrec_at, begun.sent_at) {
            (Some(at), _) | (None, Some(at)) => at,
            (None, None) => server.progress_at.max(begun.born_at),
        }
    }

    /// A message was delivered, since then.
    pub fn delivers(&mut self, state: &State, since: Option<u64>) {
        self.own_callbacks_ms += since.map_or(0, |since| state.net.now - since);
    }

    /// What it waited that is not its own fault.
    fn excused(&self, state: &State) -> u64 {
        state.net.late_ms + state.net.callback_ms - self.excused_ms + self.own_callbacks_ms
    }

    /// After each step: the loop goes on, and in time.
    pub fn looks(&mut self, state: &State, delivers_since: Option<u64>, is_done: bool) {
        let net = &state.net;
        self.delivers(state, delivers_since);
        let rooms = state.caller.rooms.each_ref().map(Vec::len);
        let seen = (net.now, net.crossed, net.server.ledger.told + net.callbacks, rooms[0] + rooms[1]);
        let before = std::mem::replace(&mut self.seen, seen);
        self.idle = if before == seen { self.idle + 1 } else { 0 };
        assert!(self.idle < IDLE, "goes round and round");
        // A method that others call wakes this one.
        let is_alone = std::mem::replace(&mut self.runs, state.runs) == state.runs;
        self.still = if is_alone && (seen.0, before.1, before.2, before.3) == seen { self.still + 1 } else { 0 };
        assert!(self.still < STILL, "wakes again and again, and nothing happens");
        if !self.has_limit {
            return;
        }
        let limit = limit(state);
        self.since = self.since(state);
        let waited = net.now - self.since;
        let begun = self.number.and_then(|number| net.server.exchanges.all.get(&number));
        let has_come = is_done || begun.is_some_and(|begun| begun.answered_at.is_some());
        self.overdue += u32::from(has_come || waited >= limit);
        assert!(self.overdue < OVERDUE, "goes on though what is awaited has come, or its time is over");
        let excused = self.excused(state);
        assert!(!self.waits || waited <= limit + excused, "waits {waited} ms, excused are {excused} of them");
    }

    /// It raises.
    pub fn fails(&self, state: &mut State, step: &Step, failure: Failure) {
        state.net.says(format_args!("    raises {failure:?}"));
        let is_timeout = failure == Failure::Client(Error::Timeout) || failure == Failure::Timeout;
        if is_timeout {
            assert!(self.has_limit, "a time-out of what has no limit");
            let waited = state.net.now - self.since;
            let begun = self.number.and_then(|number| state.net.server.exchanges.all.get(&number));
            // What moves of other packets may give it more time, but need not.
            let needs_ms = match begun {
                Some(begun) if begun.sent_at.is_none() => state.net.now - begun.born_at,
                Some(Begun { sent_at: Some(at), .. }) => state.net.now - at,
                _ => waited,
            };
            let is_limit =
                needs_ms >= state.net.habits.timeout_ms || self.deadline.is_some_and(|at| state.net.now >= at);
            assert!(is_limit, "a time-out after {waited} ms");
            let excused = self.excused(state);
            let is_late = self.waits && waited > limit(state) + excused;
            assert!(!is_late, "a time-out after {waited} ms, excused are {excused} of them");
            // What is behind messages that nobody can take now, or far behind, does not count.
            let is_rusts = failure == Failure::Client(Error::Timeout);
            let looks = is_rusts && !state.net.blocks && step.call.takes && step.reads < READS;
            if let Some(number) = self.number.filter(|_| looks) {
                state.net.ticks();
                let here = state.net.incoming.len() as u64;
                assert!(!state.net.server.has_answer(number, here), "a time-out of {number}, whose answer is here");
            }
        }
        if let Failure::Client(Error::Encode(_)) = failure {
            let begun = self.number.and_then(|number| state.net.server.exchanges.all.get(&number));
            // Of what nobody waits for, anyone may hear.
            let is_own = begun.is_some_and(|begun| begun.spoiled);
            assert!(is_own || state.net.server.exchanges.has_spoiled_and_left(), "the error of another's object");
        }
    }
}

impl State {
    /// After an error the client is either in step or closed.
    pub fn ends_of_errors(&mut self, status: Status, awaited: Awaited) {
        let is_open = self.caller.client.is_open();
        match status {
            Status::Fail(Failure::Client(Error::NotConnected)) => {
                let is_leaving = self.caller.disconnecting && awaited != Awaited::Flushed;
                assert!(!is_open || is_leaving, "there is a connection");
            }
            Status::Fail(Failure::Client(Error::Session(SessionError::Silent))) => self.is_silent(),
            Status::Fail(Failure::Client(error @ Error::Session(_))) => {
                let is_malformed = self.net.server.is_malformed || self.net.server.ledger.is_wild;
                assert!(is_malformed, "the Server keeps to the standard: {error:?}");
                assert!(!self.net.server.ledger.has_message(), "{error:?} before a message that came before");
            }
            Status::Fail(Failure::Client(error)) => assert_eq!(is_open, !error.is_fatal(), "{error:?}"),
            _ => {}
        }
    }

    /// For how long the Server may be silent after PINGREQ.
    fn silence_ms(&self) -> u64 {
        let habits = &self.net.habits;
        let keep_alive_ms = u64::from(habits.keep_alive_s) * 1_000;
        if keep_alive_ms == 0 { habits.timeout_ms } else { habits.timeout_ms.min(keep_alive_ms) }
    }

    /// When the Server is silent for too long. Any PINGRESP may be taken for the answer to all.
    fn silent_at(&self) -> Option<u64> {
        let net = &self.net;
        let since = net.server.probed_at.unwrap_or(net.read_at).max(net.read_at);
        net.server.awaits_pingresp.then(|| since + self.silence_ms())
    }

    /// Whether a write would block lately: a PINGREQ that waits to be written counts as if it had left.
    fn was_blocked(&self) -> bool {
        self.net.was_blocked(self.net.habits.timeout_ms)
    }

    /// The Server is called silent.
    fn is_silent(&self) {
        let net = &self.net;
        assert!(
            net.was_readable == 0 || net.incoming.is_empty() || net.blocks,
            "the Server is called silent, and is not"
        );
        let pinged_at = net.server.pinged_at.front();
        let is_due = pinged_at.is_some_and(|&at| net.now >= at.max(net.read_at) + self.silence_ms());
        let is_wild = net.server.exchanges.is_wild;
        assert!(
            is_due || is_wild || self.was_blocked(),
            "the Server is called silent too early: PINGREQ left at {pinged_at:?}"
        );
    }

    /// A thread goes to sleep: the client has done what Keep Alive asks for, and wakes in time for the rest.
    pub fn before_sleep(&mut self, wait: Wait, waits_for_thread: bool) {
        let is_malformed = self.caller.client.is_open() && self.net.server.ledger.is_malformed();
        assert!(
            !is_malformed || wait.ms == 0 || self.net.blocks || waits_for_thread,
            "sleeps though what came is no packet"
        );
        self.net.server.has_pingresp &= self.caller.client.has_packet();
        let net = &self.net;
        // It comes again at once.
        let is_nap = wait.ms <= 1;
        let is_wild = net.server.exchanges.is_wild;
        if is_wild
            || is_nap
            || net.blocks
            || self.caller.disconnecting
            || !self.caller.client.is_open()
            || waits_for_thread
        {
            return;
        }
        if let Some(at) = self.silent_at().filter(|_| !self.was_blocked() && !net.server.is_unsure) {
            assert!(net.now < at, "the Server is silent since {} ms, and nobody is told", net.now - at);
            assert!(net.now + u64::from(wait.ms) <= at, "sleeps while the Server is silent for too long");
        }
        if net.habits.keep_alive_s > 0 {
            let idle_ms = u64::from(net.habits.keep_alive_s) * 750;
            let ping_at = net.written_at + idle_ms;
            let is_asked = net.server.probed_at.is_some() || !net.server.pinged_at.is_empty();
            let probe_at = if is_asked { u64::MAX } else { net.read_at + idle_ms };
            let at = ping_at.min(probe_at);
            assert!(net.now < at, "PINGREQ is due, and was not sent");
            assert!(
                net.now + u64::from(wait.ms) <= at,
                "sleeps while PINGREQ is due: read {}, written {}",
                net.read_at,
                net.written_at
            );
        }
    }

    /// A stream is closed after DISCONNECT: with octets unread the network would reset it, and lose what was sent.
    pub fn before_close(&self, waits: bool, deadline: u64) {
        let net = &self.net;
        let is_in_time = waits && net.now < deadline && net.server.got_disconnect && !net.blocks;
        assert!(
            !is_in_time || net.incoming.is_empty(),
            "the stream is closed with {} octets unread",
            net.incoming.len()
        );
    }

    /// A method gives an exchange up.
    pub fn gives_up(&mut self, slot: u8) {
        let clean = self.caller.clean;
        let number = self.caller.number_of(slot);
        if let Some(begun) = number.and_then(|number| self.net.server.exchanges.all.get_mut(&number)) {
            begun.given_up |= clean || !begun.is_message() || begun.spoiled;
        }
    }

    /// A method has ended with a time-out: in a clean session that is the end of its exchange, unless its packet is on its way.
    pub fn ends_of_time_out(&mut self, awaited: Awaited, connection: u32, failure: Failure) {
        let is_here = self.caller.connection == connection && self.caller.client.is_open();
        if let (Awaited::Slot(slot), Failure::Client(Error::Timeout), true) = (awaited, failure, self.caller.clean) {
            let is_over = self.caller.client.slots_in_use() >> slot & 1 == 0;
            let is_leaving = self.net.server.is_in_a_packet() || self.net.blocks;
            assert!(is_over || is_leaving || !is_here, "slot {slot} stays in use, and nobody waits for it");
        }
    }

    /// A method has ended.
    pub fn ends_of_methods(&mut self) {
        let slots = self.caller.client.slots_in_use();
        for (slot, held) in self.caller.held.iter().enumerate() {
            assert!(held.is_some() || slots >> slot & 1 == 0, "slot {slot} is in use, and C holds nothing for it");
        }
        if self.caller.has_stream && self.caller.client.is_open() && !self.caller.disconnecting {
            let has_message = self.net.server.ledger.has_message();
            assert!(!has_message || self.caller.client.has_packet(), "has_packet does not know of a message");
        }
    }

    /// What an exchange came to.
    pub fn exchange_ends(&mut self, number: u32, told: Result<bool, Failure>) {
        let is_wild = self.net.server.exchanges.is_wild;
        let begun = self.net.server.exchanges.all.get_mut(&number).expect("an exchange that was begun");
        begun.has_ended = told != Ok(false);
        match told {
            _ if is_wild => {}
            Ok(true) => {
                assert!(!begun.spoiled, "{number} cannot be sent, and its caller is told that it was");
                assert!(begun.sent > 0, "{number} is told to be over, and never left");
                let is_answered = begun.qos() == 0 || begun.answered_at.is_some();
                assert!(is_answered, "{number} is told to be over, and was not answered");
                assert!(begun.code < 0x80, "{number} was refused, and its caller is told that it was not");
            }
            Err(Failure::Client(Error::SubscriptionRefused)) => assert_eq!(begun.code, 0x80, "{number} was refused"),
            _ => {}
        }
    }
}

/// For how long a method waits at most. A PUBREC of which nothing is known gives more time.
fn limit(state: &State) -> u64 {
    state.net.habits.timeout_ms * if state.net.server.exchanges.is_wild { 2 } else { 1 }
}

/// The deadline of a method that begins now.
pub fn deadline(state: &State) -> u64 {
    state.net.now + state.net.habits.timeout_ms
}
