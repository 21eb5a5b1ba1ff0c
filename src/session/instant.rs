//! Time as the caller tells it: milliseconds on a clock of 32 bits that wraps.

/// A moment. Only differences mean anything, and only those under 2^31 ms, about 24 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(u32);

impl Instant {
    /// The moment at which the clock shows `ticks_ms`.
    #[must_use]
    pub const fn from_ticks_ms(ticks_ms: u32) -> Self {
        Instant(ticks_ms)
    }

    /// The moment `ms` later; `ms` under 2^31.
    #[must_use]
    pub const fn plus_ms(self, ms: u32) -> Self {
        Instant(self.0.wrapping_add(ms))
    }

    /// Milliseconds from `now` to this moment, 0 if it has passed.
    #[must_use]
    pub const fn ms_from(self, now: Self) -> u32 {
        let ms = self.0.wrapping_sub(now.0);
        if ms > i32::MAX as u32 { 0 } else { ms }
    }

    /// Whether this moment has come at `now`.
    #[must_use]
    pub const fn reached(self, now: Self) -> bool {
        self.ms_from(now) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_across_the_wrap_is_still_ahead() {
        let now = Instant::from_ticks_ms(u32::MAX - 10);
        let deadline = now.plus_ms(100);
        assert_eq!(deadline.ms_from(now), 100);
        assert!(!deadline.reached(now.plus_ms(99)));
        assert!(deadline.reached(now.plus_ms(100)));
        assert!(deadline.reached(now.plus_ms(5_000)));
    }
}
