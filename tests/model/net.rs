//! The clock and the stream: what crosses between the client and the Server, in any pieces, and when.

use std::collections::VecDeque;
use std::fmt::Display;

use embedded_io::{ErrorType, Read, Write};
use umqtt::client::Transport;
use umqtt::session::Instant;

use super::chance::Chance;
use super::habits::Habits;
use super::server::{Line, Moment, Server};
use super::support::stream::Fault;

/// What the clock of 32 bits shows at first: it wraps soon.
const START_MS: u32 = u32::MAX - 30_000;

/// Whims in a row, with no octets that cross.
const WHIMS: u32 = 10;

/// How a stream ends, once what came before is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    End,
    Reset,
}

/// All that is outside of the client.
pub struct Net {
    /// Milliseconds since the start.
    pub now: u64,
    /// Milliseconds that passed because a thread woke late, and those that callbacks took.
    pub late_ms: u64,
    pub callback_ms: u64,
    /// How many callbacks have run.
    pub callbacks: u64,
    pub chance: Chance,
    pub habits: Habits,
    pub server: Server,
    /// What can be read.
    pub incoming: VecDeque<u8>,
    /// How much that was when the last poll began. What comes in the course of one it need not see.
    pub was_readable: usize,
    pub end: Option<End>,
    /// Octets that the stream takes before it would block, and when it takes more.
    window: usize,
    refill_at: Option<u64>,
    /// What a write that would block was offered.
    owed: Option<Vec<u8>>,
    /// Whether what is owed has changed under the client's hands.
    pub forgives: bool,
    /// Whether the last write would block.
    pub blocks: bool,
    /// When a write would block last, and [`Net::late_ms`] then.
    pub blocked_at: u64,
    blocked_late_ms: u64,
    /// Octets that crossed, in either direction.
    pub crossed: u64,
    /// Whims since so many octets had crossed.
    whims: (u64, u32),
    /// Calls of read.
    pub reads: u32,
    pub read_at: u64,
    pub written_at: u64,
    /// What happened, if somebody wants to know.
    pub story: Option<Vec<String>>,
}

impl Net {
    pub fn new(mut chance: Chance, tells: bool) -> Self {
        let habits = Habits::draw(&mut chance);
        Net {
            now: 0,
            late_ms: 0,
            callback_ms: 0,
            callbacks: 0,
            chance,
            habits,
            server: Server::default(),
            incoming: VecDeque::new(),
            was_readable: 0,
            end: None,
            window: usize::MAX,
            refill_at: None,
            owed: None,
            forgives: false,
            blocks: false,
            blocked_at: 0,
            blocked_late_ms: 0,
            crossed: 0,
            whims: (0, 0),
            reads: 0,
            read_at: 0,
            written_at: 0,
            story: tells.then(Vec::new),
        }
    }

    /// The time as the client is told it.
    pub fn instant(&self) -> Instant {
        #[allow(clippy::cast_possible_truncation, reason = "it wraps")]
        Instant::from_ticks_ms(START_MS.wrapping_add(self.now as u32))
    }

    /// A moment as the client is told it.
    pub fn instant_at(&self, at: u64) -> Instant {
        let ms = u32::try_from(at - self.now).expect("a short time");
        self.instant().plus_ms(ms)
    }

    /// Notes what happens.
    pub fn says(&mut self, what: impl Display) {
        let now = self.now;
        if let Some(story) = &mut self.story {
            story.push(format!("{now:7} {what}"));
        }
    }

    /// The Server and what it goes by.
    pub fn server(&mut self) -> (&mut Server, Moment<'_>) {
        let Net { server, habits, chance, now, .. } = self;
        (server, Moment { habits, chance, now: *now })
    }

    /// A new stream to the Server.
    pub fn opens(&mut self, clean: bool) {
        self.incoming.clear();
        self.end = None;
        self.window = if self.habits.window == 0 { usize::MAX } else { self.habits.window };
        self.refill_at = None;
        self.owed = None;
        self.blocks = false;
        self.forgives = false;
        (self.read_at, self.written_at) = (self.now, self.now);
        let (server, mut moment) = self.server();
        server.opens(clean, &mut moment);
    }

    /// The client's end of the stream is gone.
    pub fn forgets(&mut self) {
        self.incoming.clear();
        self.end = Some(End::Reset);
    }

    /// What it is time for.
    pub fn ticks(&mut self) {
        let (server, mut moment) = self.server();
        server.ticks(&mut moment);
        while self.server.line.front().is_some_and(|&(at, _)| at <= self.now) {
            match self.server.line.pop_front().expect("the front").1 {
                Line::Octets(octets) => self.incoming.extend(octets),
                Line::End => self.end = self.end.or(Some(End::End)),
                Line::Reset => self.end = self.end.or(Some(End::Reset)),
            }
        }
        if self.refill_at.is_some_and(|at| at <= self.now) {
            self.refill_at = None;
            self.window = if self.habits.window == 0 { usize::MAX } else { self.habits.window };
        }
    }

    /// The next moment at which something happens.
    pub fn next_at(&self) -> Option<u64> {
        [self.server.next_at(), self.refill_at].into_iter().flatten().min()
    }

    /// Whether something goes wrong this once, with such odds: a fuzzer would have it go wrong for ever.
    pub fn has_a_whim(&mut self, odds: usize) -> bool {
        if self.whims.0 != self.crossed {
            self.whims = (self.crossed, 0);
        }
        let has_one = self.whims.1 < WHIMS && self.chance.one_in(odds);
        self.whims.1 += u32::from(has_one);
        has_one
    }

    /// Whether a write would block in the last so many milliseconds. Who woke late has had no occasion to try again.
    pub fn was_blocked(&self, ms: u64) -> bool {
        self.now <= self.blocked_at + ms + self.late_ms - self.blocked_late_ms
    }

    pub fn is_readable(&self) -> bool {
        !self.incoming.is_empty() || self.end.is_some()
    }

    pub fn is_writable(&self) -> bool {
        self.window > 0 || self.end == Some(End::Reset)
    }

    fn take(&mut self, first: &[u8], second: &[u8]) -> Result<usize, Fault> {
        let mut offered = [first, second].concat();
        assert!(!offered.is_empty(), "an empty write");
        if let Some(owed) = self.owed.take() {
            assert!(self.forgives || owed == offered, "after \"would block\" {owed:?} was owed, not {offered:?}");
        }
        if self.end == Some(End::Reset) {
            return Err(Fault::Broken);
        }
        let mut len = offered.len().min(self.window);
        if self.has_a_whim(self.habits.partial) {
            len = len.min(self.chance.below(offered.len() + 1));
        }
        self.blocks = len == 0;
        if self.blocks {
            self.blocked_at = self.now;
            self.blocked_late_ms = self.late_ms;
        }
        if self.window != usize::MAX {
            self.window -= len;
            if self.window == 0 && self.refill_at.is_none() {
                self.refill_at = Some(self.now + 1 + self.chance.ms(self.habits.blocked_ms));
            }
        }
        self.says(format_args!("      write of {}: {len}, {:x?}", offered.len(), &offered[..len.min(4)]));
        if len == 0 {
            self.owed = Some(offered);
            return Err(Fault::WouldBlock);
        }
        offered.truncate(len);
        self.crossed += len as u64;
        self.written_at = self.now;
        let (server, mut moment) = self.server();
        server.gets(&offered, &mut moment);
        // A Server may answer while the client still runs.
        self.ticks();
        Ok(len)
    }
}

impl ErrorType for Net {
    type Error = Fault;
}

impl Read for Net {
    fn read(&mut self, octets: &mut [u8]) -> Result<usize, Fault> {
        assert!(!octets.is_empty(), "a read into nothing");
        self.reads += 1;
        let mut len = octets.len().min(self.incoming.len());
        if self.habits.tls && len > 1 && self.chance.one_in(4) {
            len = 1 + self.chance.below(len);
        }
        if len == 0 {
            return match self.end {
                None => Err(Fault::WouldBlock),
                Some(End::End) => Ok(0),
                Some(End::Reset) => Err(Fault::Broken),
            };
        }
        for (place, octet) in octets.iter_mut().zip(self.incoming.drain(..len)) {
            *place = octet;
        }
        self.says(format_args!("      read of {}: {len}", octets.len()));
        self.crossed += len as u64;
        self.read_at = self.now;
        self.server.gave(len, self.now);
        Ok(len)
    }
}

impl Write for Net {
    fn write(&mut self, octets: &[u8]) -> Result<usize, Fault> {
        self.take(octets, &[])
    }

    fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Transport for Net {
    fn would_block(error: &Fault) -> bool {
        *error == Fault::WouldBlock
    }

    fn short_read_drains(&self) -> bool {
        !self.habits.tls
    }

    fn write_both(&mut self, first: &[u8], second: &[u8]) -> Result<usize, Fault> {
        if self.habits.gathers {
            self.take(first, second)
        } else if first.is_empty() {
            self.take(second, &[])
        } else {
            self.take(first, &[])
        }
    }
}
