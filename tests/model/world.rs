//! Threads that take turns: each runs until it sleeps, chance says who is next, and time passes when all sleep.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::caller::Caller;
use super::chance::Chance;
use super::net::Net;

/// Turns that a case takes at most.
const TURNS: usize = 200_000;

/// What a thread sleeps for.
#[derive(Debug, Clone, Copy)]
struct Sleeper {
    until: u64,
    read: bool,
    write: bool,
    /// As [`State::woken`] was.
    woken: u64,
}

/// All there is.
pub struct State {
    pub net: Net,
    pub caller: Caller,
    /// Methods that threads may still call.
    pub calls: usize,
    /// The thread whose turn it is.
    pub thread: usize,
    sleepers: Vec<Option<Sleeper>>,
    /// Counts what wakes all threads.
    pub woken: u64,
    /// How often a method went into the loop.
    pub runs: u64,
}

/// The state, for threads that take turns.
pub struct World(RefCell<State>);

/// A thread.
pub type Thread<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

impl World {
    pub fn new(chance: Chance, tells: bool) -> Self {
        let net = Net::new(chance, tells);
        let calls = net.habits.calls;
        World(RefCell::new(State {
            net,
            caller: Caller::new(0),
            calls,
            thread: 0,
            sleepers: Vec::new(),
            woken: 0,
            runs: 0,
        }))
    }

    /// Does something with the state, in which no other thread comes between.
    pub fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self.0.borrow_mut())
    }

    /// Sleeps until the stream is as wanted, another thread has done something, or this time has passed.
    pub async fn sleep(&self, read: bool, write: bool, ms: u64) {
        let thread = self.with(|state| {
            let until = state.net.now.saturating_add(ms);
            state.sleepers[state.thread] = Some(Sleeper { until, read, write, woken: state.woken });
            state.thread
        });
        let mut has_slept = false;
        poll_fn(|_| if std::mem::replace(&mut has_slept, true) { Poll::Ready(()) } else { Poll::Pending }).await;
        self.with(|state| state.sleepers[thread] = None);
    }

    /// Passes so much time, whatever happens.
    pub async fn passes(&self, ms: u64) {
        let until = self.with(|state| state.net.now + ms);
        while let Some(left) = self.with(|state| until.checked_sub(state.net.now)).filter(|&left| left > 0) {
            self.sleep(false, false, left).await;
        }
    }

    /// Runs threads until all of them have ended.
    pub fn run(&self, mut threads: Vec<Thread>) {
        self.with(|state| state.sleepers = vec![None; threads.len()]);
        let mut alive: Vec<usize> = (0..threads.len()).collect();
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..TURNS {
            if alive.is_empty() {
                return;
            }
            let Some(thread) = self.with(|state| state.turn(&alive)) else { continue };
            self.with(|state| state.thread = thread);
            if threads[thread].as_mut().poll(&mut context).is_ready() {
                alive.retain(|&other| other != thread);
            }
        }
        panic!("never ends");
    }
}

impl State {
    /// Whose turn it is; nobody's if something has to happen first, which then does.
    fn turn(&mut self, alive: &[usize]) -> Option<usize> {
        self.happens();
        self.net.ticks();
        let ready: Vec<usize> = alive.iter().copied().filter(|&thread| self.is_ready(thread)).collect();
        if ready.is_empty() {
            self.time_passes(alive);
            return None;
        }
        Some(self.net.chance.pick(&ready))
    }

    fn is_ready(&self, thread: usize) -> bool {
        let Some(sleeper) = self.sleepers[thread] else { return true };
        sleeper.until <= self.net.now
            || sleeper.woken != self.woken
            || self.caller.has_stream
                && (sleeper.read && self.net.is_readable() || sleeper.write && self.net.is_writable())
    }

    /// What the Server and the network do of their own accord.
    fn happens(&mut self) {
        let net = &mut self.net;
        if net.chance.one_in(net.habits.talks) {
            for _ in 0..=net.chance.pick(&[0, 0, 1, 8]) {
                let (server, mut moment) = net.server();
                server.talks(&mut moment);
            }
        }
        if net.chance.one_in(net.habits.chatters) {
            let (server, mut moment) = net.server();
            server.says_what_nobody_asked(&mut moment);
        }
        if net.chance.one_in(net.habits.malformed) {
            net.says("no packet");
            let (server, mut moment) = net.server();
            server.breaks_a_rule(&mut moment);
        }
        if net.chance.one_in(net.habits.wild) {
            let (server, mut moment) = net.server();
            server.says_anything(&mut moment);
        }
        if net.habits.flood > 0 && net.chance.one_in(20) {
            net.says("flood");
            let (server, mut moment) = net.server();
            server.floods(&mut moment);
            net.habits.flood = 0;
        }
        if net.chance.one_in(net.habits.breaks) {
            net.says("the connection breaks");
            let (server, mut moment) = net.server();
            server.breaks(&mut moment);
        }
    }

    /// All sleep: until one of them wakes, or something happens.
    fn time_passes(&mut self, alive: &[usize]) {
        let sleepers = &self.sleepers;
        let wakes = alive.iter().filter_map(|&thread| sleepers[thread]).map(|sleeper| sleeper.until).min();
        let net = &mut self.net;
        let at = wakes.into_iter().chain(net.next_at()).min().filter(|&at| at < u64::MAX);
        let Some(at) = at else {
            net.says("nothing happens any more");
            assert!(!net.server.has_ended, "nobody ever wakes");
            let (server, mut moment) = net.server();
            server.breaks(&mut moment);
            return;
        };
        assert!(at > net.now || net.next_at().is_some_and(|at| at <= net.now), "time stands still");
        net.now = net.now.max(at);
        if net.chance.one_in(net.habits.late) {
            let late = 1 + net.chance.ms(net.habits.timeout_ms / 8);
            net.now += late;
            net.late_ms += late;
        }
    }
}
