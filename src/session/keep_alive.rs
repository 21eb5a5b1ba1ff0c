//! When PINGREQ is due, and when the Server has been silent for too long after one, see 3.1.2.10 and 3.12.

use super::error::SessionError;
use super::instant::Instant;

/// Watches over an open connection.
#[derive(Debug)]
pub struct KeepAlive {
    /// As CONNECT told it; 0: off.
    keep_alive_s: u16,
    awaits_answer: bool,
    /// The PINGREQ whose answer is to come has not left: the time for the answer has not begun.
    is_queued: bool,
    /// The last PINGREQ has not left.
    is_last_queued: bool,
    last_sent: Instant,
    last_heard: Instant,
    /// When PINGREQ asked for the answer that is to come.
    asked: Instant,
    /// PINGREQs of the caller that are not answered.
    asked_for: u8,
    /// Answers to the caller's, not yet told.
    untold: u8,
}

impl KeepAlive {
    /// Not watching.
    #[must_use]
    pub const fn new() -> Self {
        let start = Instant::from_ticks_ms(0);
        KeepAlive {
            keep_alive_s: 0,
            awaits_answer: false,
            is_queued: false,
            is_last_queued: false,
            last_sent: start,
            last_heard: start,
            asked: start,
            asked_for: 0,
            untold: 0,
        }
    }

    /// Starts anew for a connection whose CONNECT says `keep_alive_s`; 0 turns PINGREQ off.
    pub fn start(&mut self, keep_alive_s: u16, now: Instant) {
        *self = KeepAlive { keep_alive_s, last_sent: now, last_heard: now, ..Self::new() };
    }

    /// After how long without a packet in one direction PINGREQ is due: three quarters of Keep Alive, so that a caller who
    /// looks in only now and then is still in time [MQTT-3.1.2-23].
    const fn idle_ms(&self) -> u32 {
        self.keep_alive_s as u32 * 750
    }

    /// How long the Server may be silent after PINGREQ: Keep Alive or `timeout_ms`, whichever is shorter.
    const fn silence_ms(&self, timeout_ms: u32) -> u32 {
        let keep_alive_ms = self.keep_alive_s as u32 * 1_000;
        if keep_alive_ms > 0 && keep_alive_ms < timeout_ms { keep_alive_ms } else { timeout_ms }
    }

    /// A packet went out.
    pub fn sent(&mut self, now: Instant) {
        self.last_sent = now;
    }

    /// Octets came in: the Server is there, even if PINGRESP still waits behind a long message.
    pub fn heard(&mut self, now: Instant) {
        self.last_heard = now;
    }

    /// Octets have left, and PINGREQ may be behind them; `all`: it is not.
    pub fn moved(&mut self, all: bool, now: Instant) {
        if self.is_queued {
            self.asked = now;
        }
        if all {
            self.is_queued = false;
            self.is_last_queued = false;
        }
    }

    /// PINGREQ goes out, because it is due or because the caller asked for it.
    pub fn ping(&mut self, asked_for: bool, now: Instant) {
        self.is_last_queued = true;
        if !self.awaits_answer {
            self.awaits_answer = true;
            self.is_queued = true;
            self.asked = now;
        }
        self.asked_for = self.asked_for.saturating_add(u8::from(asked_for));
        self.sent(now);
    }

    /// PINGRESP is dealt with: the Server is there, so all are answered but those that the caller asked for, and one that has not
    /// left. One that answers nothing is passed over.
    pub fn pingresp(&mut self, now: Instant) {
        if self.asked_for > 0 {
            self.asked_for -= 1;
            self.untold = self.untold.saturating_add(1);
        }
        self.awaits_answer = self.asked_for > 0 || self.is_last_queued;
        // The next answer is that to a later PINGREQ, which left at a time that is not known any more. This PINGRESP may have
        // been read before.
        self.asked = now;
        self.is_queued = self.is_last_queued;
    }

    /// Whether an answer to a PINGREQ of the caller has come that was not told yet; tells each one once.
    pub fn take_answer(&mut self) -> bool {
        let told = self.untold > 0;
        self.untold = self.untold.saturating_sub(1);
        told
    }

    /// Whether [`KeepAlive::take_answer`] has one to tell.
    #[cfg(feature = "quick")]
    #[must_use]
    pub fn has_answer(&self) -> bool {
        self.untold > 0
    }

    /// When PINGREQ is due: when nothing was sent for too long, or when nothing was heard, whichever comes first. While PINGRESP
    /// is to come only what is sent counts: PINGRESP may wait behind a message that takes longer.
    const fn due(&self) -> Instant {
        let mut since = self.last_sent;
        if !self.awaits_answer && self.last_heard.reached(since) {
            since = self.last_heard;
        }
        since.plus_ms(self.idle_ms())
    }

    /// When the Server has been silent for too long, if PINGRESP is to come.
    const fn silent(&self, timeout_ms: u32) -> Instant {
        let since = if self.last_heard.reached(self.asked) { self.asked } else { self.last_heard };
        since.plus_ms(self.silence_ms(timeout_ms))
    }

    /// Whether PINGREQ is due at `now`. One that only ever sends learns by it that nobody is there any more.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.keep_alive_s > 0 && self.due().reached(now)
    }

    /// Whether PINGRESP is to come.
    #[must_use]
    pub fn awaits_answer(&self) -> bool {
        self.awaits_answer
    }

    /// To be asked when all that has come was dealt with.
    ///
    /// # Errors
    /// [`SessionError::Silent`] if the Server has been silent after a PINGREQ for Keep Alive or for `timeout_ms`, whichever is
    /// shorter.
    pub fn check(&self, timeout_ms: u32, now: Instant) -> Result<(), SessionError> {
        if self.awaits_answer && self.silent(timeout_ms).reached(now) {
            return Err(SessionError::Silent);
        }
        Ok(())
    }

    /// Milliseconds until [`KeepAlive::is_due`] or [`KeepAlive::check`] has something new to say; `u32::MAX`: never on its
    /// own. `checks`: an answer that is overdue counts, and not only one that will be.
    #[must_use]
    #[cfg_attr(feature = "quick", inline(always))]
    pub fn next_check_ms(&self, checks: bool, timeout_ms: u32, now: Instant) -> u32 {
        let mut ms = u32::MAX;
        if self.keep_alive_s > 0 {
            ms = self.due().ms_from(now);
        }
        if self.awaits_answer {
            let left_ms = self.silent(timeout_ms).ms_from(now);
            if left_ms > 0 || checks {
                ms = ms.min(left_ms);
            }
        }
        ms
    }
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT_MS: u32 = 20_000;

    // [MQTT-3.1.2-23]
    #[test]
    fn pingreq_is_due_before_the_keep_alive_has_passed_without_a_packet() {
        let t0 = Instant::from_ticks_ms(u32::MAX - 1_000);
        let mut keep_alive = KeepAlive::new();
        keep_alive.start(60, t0);
        assert!(!keep_alive.is_due(t0.plus_ms(44_999)));
        assert_eq!(keep_alive.next_check_ms(true, TIMEOUT_MS, t0), 45_000);
        assert!(keep_alive.is_due(t0.plus_ms(45_000)));
        keep_alive.sent(t0.plus_ms(40_000));
        keep_alive.heard(t0.plus_ms(41_000));
        assert!(!keep_alive.is_due(t0.plus_ms(84_999)));
        assert!(keep_alive.is_due(t0.plus_ms(85_000)));
        keep_alive.ping(false, t0.plus_ms(85_000));
        assert!(!keep_alive.is_due(t0.plus_ms(129_999)), "one at a time");
        assert!(keep_alive.is_due(t0.plus_ms(130_000)), "PINGRESP may wait behind a long message");
    }

    #[test]
    fn pingreq_is_due_when_nothing_was_heard_however_much_is_sent() {
        let t0 = Instant::from_ticks_ms(u32::MAX - 1_000);
        let mut keep_alive = KeepAlive::new();
        keep_alive.start(60, t0);
        for second in 1..45 {
            keep_alive.sent(t0.plus_ms(second * 1_000));
            assert!(!keep_alive.is_due(t0.plus_ms(second * 1_000)));
        }
        assert_eq!(keep_alive.next_check_ms(true, TIMEOUT_MS, t0.plus_ms(44_000)), 1_000);
        assert!(keep_alive.is_due(t0.plus_ms(45_000)));
        keep_alive.ping(false, t0.plus_ms(45_000));
        keep_alive.sent(t0.plus_ms(60_000));
        assert!(!keep_alive.is_due(t0.plus_ms(64_999)), "it has been asked");
        assert_eq!(keep_alive.check(TIMEOUT_MS, t0.plus_ms(65_000)), Err(SessionError::Silent));
    }

    #[test]
    fn a_short_keep_alive_is_a_short_patience() {
        let t0 = Instant::from_ticks_ms(0);
        let mut keep_alive = KeepAlive::new();
        keep_alive.start(1, t0);
        keep_alive.ping(false, t0.plus_ms(750));
        assert_eq!(keep_alive.next_check_ms(true, TIMEOUT_MS, t0.plus_ms(1_499)), 1, "to be sent again");
        assert_eq!(keep_alive.check(TIMEOUT_MS, t0.plus_ms(1_749)), Ok(()));
        assert_eq!(keep_alive.check(TIMEOUT_MS, t0.plus_ms(1_750)), Err(SessionError::Silent));
    }

    #[test]
    fn silence_after_pingreq_is_an_error_and_any_octet_breaks_it() {
        let t0 = Instant::from_ticks_ms(0);
        let mut keep_alive = KeepAlive::new();
        keep_alive.start(60, t0);
        keep_alive.ping(false, t0);
        keep_alive.heard(t0.plus_ms(10_000));
        assert_eq!(keep_alive.check(TIMEOUT_MS, t0.plus_ms(29_999)), Ok(()));
        assert_eq!(keep_alive.next_check_ms(true, TIMEOUT_MS, t0.plus_ms(29_999)), 1);
        assert_eq!(keep_alive.check(TIMEOUT_MS, t0.plus_ms(30_000)), Err(SessionError::Silent));
        keep_alive.pingresp(t0.plus_ms(30_000));
        assert!(!keep_alive.take_answer(), "nobody asked");
    }

    #[test]
    fn each_answer_to_the_callers_ping_is_told_once() {
        let t0 = Instant::from_ticks_ms(0);
        let mut keep_alive = KeepAlive::new();
        keep_alive.start(0, t0);
        assert_eq!(keep_alive.next_check_ms(true, TIMEOUT_MS, t0), u32::MAX);
        keep_alive.ping(true, t0);
        keep_alive.ping(true, t0);
        keep_alive.pingresp(t0);
        assert!(keep_alive.take_answer());
        assert!(!keep_alive.take_answer());
        keep_alive.pingresp(t0);
        keep_alive.pingresp(t0);
        assert!(keep_alive.take_answer());
        assert!(!keep_alive.take_answer());
    }

    #[test]
    fn a_later_pingreq_has_a_time_of_its_own_for_its_answer() {
        let t0 = Instant::from_ticks_ms(0);
        let mut keep_alive = KeepAlive::new();
        keep_alive.start(60, t0);
        keep_alive.ping(true, t0);
        keep_alive.moved(true, t0);
        // The answer comes with a message before it, which takes its time. The caller asks once more, and again.
        keep_alive.heard(t0.plus_ms(1_000));
        keep_alive.ping(true, t0.plus_ms(25_000));
        keep_alive.moved(true, t0.plus_ms(25_000));
        keep_alive.ping(true, t0.plus_ms(30_000));
        keep_alive.pingresp(t0.plus_ms(30_000));
        assert_eq!(keep_alive.check(TIMEOUT_MS, t0.plus_ms(49_999)), Ok(()));
        // The last one leaves late.
        keep_alive.moved(true, t0.plus_ms(40_000));
        assert_eq!(keep_alive.next_check_ms(true, TIMEOUT_MS, t0.plus_ms(59_999)), 1);
        assert_eq!(keep_alive.check(TIMEOUT_MS, t0.plus_ms(60_000)), Err(SessionError::Silent));
    }

    #[test]
    fn a_pingreq_that_has_not_left_is_not_answered() {
        let t0 = Instant::from_ticks_ms(0);
        let mut keep_alive = KeepAlive::new();
        keep_alive.start(60, t0);
        keep_alive.ping(false, t0);
        keep_alive.pingresp(t0);
        assert!(keep_alive.awaits_answer(), "that was for another");
        keep_alive.moved(true, t0.plus_ms(1_000));
        assert_eq!(keep_alive.check(TIMEOUT_MS, t0.plus_ms(21_000)), Err(SessionError::Silent));
        keep_alive.pingresp(t0.plus_ms(21_000));
        assert!(!keep_alive.awaits_answer());
    }

    #[test]
    fn a_later_pingreq_does_not_put_off_the_answer_to_the_first() {
        let t0 = Instant::from_ticks_ms(0);
        let mut keep_alive = KeepAlive::new();
        keep_alive.start(60, t0);
        for second in 0..20 {
            keep_alive.ping(true, t0.plus_ms(second * 1_000));
            keep_alive.moved(true, t0.plus_ms(second * 1_000));
        }
        assert_eq!(keep_alive.check(TIMEOUT_MS, t0.plus_ms(20_000)), Err(SessionError::Silent));
    }

    #[test]
    fn keep_alive_off_never_pings() {
        let t0 = Instant::from_ticks_ms(0);
        let mut keep_alive = KeepAlive::new();
        keep_alive.start(0, t0);
        assert!(!keep_alive.is_due(t0.plus_ms(1_000_000_000)));
    }
}
