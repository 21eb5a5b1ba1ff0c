//! What one case is like: its Server, its stream and its caller.

use super::chance::Chance;

/// How a case behaves. Odds are "one in so many"; 0 is never.
#[allow(clippy::struct_excessive_bools, reason = "it keeps what it knows")]
#[derive(Debug, Clone)]
pub struct Habits {
    /// The stream is one of TLS: a read ends anywhere, and what would block is to be offered again.
    pub tls: bool,
    /// Two slices go out in one write.
    pub gathers: bool,
    pub keep_alive_s: u16,
    pub timeout_ms: u64,
    /// Most octets of a piece that comes in; 0: all at once.
    pub piece: usize,
    /// How long answers take at most.
    pub answer_ms: u64,
    /// Odds that an answer does not come.
    pub silent: usize,
    /// Odds that an answer comes twice.
    pub twice: usize,
    /// Odds that PINGRESP does not come.
    pub no_pingresp: usize,
    /// PUBREL is answered with PUBREC, for ever.
    pub pubrec_again: bool,
    /// Odds that the Server has something to say, at each turn.
    pub talks: usize,
    /// Odds that it says what nobody asked for, and that it breaks a rule.
    pub chatters: usize,
    pub malformed: usize,
    /// Odds that it says anything, of which nothing is known then.
    pub wild: usize,
    /// Messages that come in one after the other without a pause.
    pub flood: usize,
    /// Odds that messages are long.
    pub long: usize,
    /// Odds that a write takes part of what is offered.
    pub partial: usize,
    /// Octets after which writes would block, and for how long; 0: never.
    pub window: usize,
    pub blocked_ms: u64,
    /// Odds that the connection breaks, at each turn.
    pub breaks: usize,
    /// Octets of messages that C keeps before it takes no more.
    pub kept: usize,
    /// Whether there is a callback.
    pub callback: bool,
    /// Most that a callback takes.
    pub callback_ms: u64,
    /// Odds that a callback uses the client, and that it raises.
    pub callback_calls: usize,
    pub callback_raises: usize,
    /// Odds that there is no memory for a message.
    pub no_memory: usize,
    /// Odds that a sleep is interrupted.
    pub interrupts: usize,
    /// Odds that an object grows under the client's hands.
    pub spoils: usize,
    /// Odds that rooms are not lent in a call.
    pub withholds: usize,
    /// Odds that a thread wakes late.
    pub late: usize,
    /// Odds that a connection begins with a clean session.
    pub clean: usize,
    /// Odds that the Server has lost the session, that it tells of one that was to be clean, and that it says nothing.
    pub forgets: usize,
    pub present_anyway: usize,
    pub no_connack: usize,
    /// Odds that the caller changes user, password or Will before he connects.
    pub changes: usize,
    pub threads: usize,
    /// How many methods the threads call.
    pub calls: usize,
}

impl Habits {
    /// Those of one case.
    pub fn draw(chance: &mut Chance) -> Self {
        let timeout_ms = chance.pick(&[2_000, 20_000, 500, 5_000]);
        let flood = chance.pick(&[0, 0, 0, 0, 0, 0, 0, 2_500]);
        // A flood with long callbacks takes for ever.
        let callback_ms = if flood > 0 { timeout_ms / 100 } else { timeout_ms };
        Habits {
            tls: chance.one_in(3),
            gathers: !chance.one_in(3),
            keep_alive_s: chance.pick(&[60, 0, 1, 5, 20]),
            timeout_ms,
            piece: chance.pick(&[0, 0, 1, 7, 100, 700, 768, 1_000]),
            answer_ms: chance.pick(&[0, 0, timeout_ms / 10, timeout_ms * 3 / 2]),
            silent: chance.pick(&[0, 0, 10, 3]),
            twice: chance.pick(&[0, 8, 2]),
            no_pingresp: chance.pick(&[0, 0, 4, 1]),
            pubrec_again: chance.one_in(12),
            talks: chance.pick(&[10, 3, 40, 0]),
            chatters: chance.pick(&[0, 0, 20]),
            malformed: chance.pick(&[0, 0, 0, 100]),
            wild: chance.pick(&[0, 0, 0, 0, 0, 20]),
            flood,
            long: chance.pick(&[4, 0, 2, 20]),
            partial: chance.pick(&[0, 0, 5, 2]),
            window: chance.pick(&[0, 0, 0, 10, 100, 1_000]),
            blocked_ms: chance.pick(&[1, 50, timeout_ms / 2, timeout_ms * 2]),
            breaks: chance.pick(&[0, 0, 400, 100]),
            kept: chance.pick(&[262_144, 2_000, 20_000]),
            callback: !chance.one_in(6),
            callback_ms: chance.pick(&[0, 0, 1, callback_ms / 4, callback_ms]),
            callback_calls: chance.pick(&[0, 6, 2]),
            callback_raises: chance.pick(&[0, 0, 10]),
            no_memory: chance.pick(&[0, 0, 10]),
            interrupts: chance.pick(&[0, 0, 40, 10]),
            spoils: chance.pick(&[0, 0, 10]),
            withholds: chance.pick(&[0, 0, 5]),
            late: chance.pick(&[0, 0, 6]),
            clean: chance.pick(&[4, 2, 1, 0]),
            forgets: chance.pick(&[0, 0, 4]),
            present_anyway: chance.pick(&[0, 3]),
            no_connack: chance.pick(&[0, 0, 8]),
            threads: chance.pick(&[1, 2, 3]),
            calls: chance.pick(&[12, 30, 60]),
            changes: chance.pick(&[0, 2]),
        }
    }

    /// What leaves in small pieces is not long, or it takes for ever.
    pub fn is_slow(&self) -> bool {
        self.window > 0 && self.window < 1_000
    }

    /// A Server that answers at once, on a stream that takes all, for a caller without moods: the end of a case.
    pub fn calm(&mut self) {
        *self = Habits {
            piece: 0,
            answer_ms: 0,
            silent: 0,
            twice: 0,
            no_pingresp: 0,
            pubrec_again: false,
            talks: 0,
            chatters: 0,
            malformed: 0,
            wild: 0,
            flood: 0,
            partial: 0,
            window: 0,
            breaks: 0,
            callback_calls: 0,
            callback_raises: 0,
            callback_ms: 0,
            no_memory: 0,
            interrupts: 0,
            spoils: 0,
            withholds: 0,
            late: 0,
            forgets: 0,
            present_anyway: 0,
            no_connack: 0,
            ..self.clone()
        };
    }
}
