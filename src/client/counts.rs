//! Counts packets and connections, for who has to find out what a link in the field does.
//!
//! Without the feature `extras` nothing is counted, and none of it is in the firmware.

/// What a client has counted since it was made, in numbers that wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    #[cfg(feature = "extras")]
    packets_out: u32,
    #[cfg(feature = "extras")]
    packets_in: u32,
    #[cfg(feature = "extras")]
    connects: u16,
}

#[cfg_attr(not(feature = "extras"), allow(clippy::unused_self, clippy::needless_pass_by_ref_mut))]
impl Counts {
    /// Nothing counted yet.
    #[must_use]
    pub const fn new() -> Self {
        Counts {
            #[cfg(feature = "extras")]
            packets_out: 0,
            #[cfg(feature = "extras")]
            packets_in: 0,
            #[cfg(feature = "extras")]
            connects: 0,
        }
    }

    /// A Control Packet has left, or waits in the outbox.
    pub(super) const fn packet_out(&mut self) {
        #[cfg(feature = "extras")]
        {
            self.packets_out = self.packets_out.wrapping_add(1);
        }
    }

    /// A Control Packet has come.
    pub(super) const fn packet_in(&mut self) {
        #[cfg(feature = "extras")]
        {
            self.packets_in = self.packets_in.wrapping_add(1);
        }
    }

    /// A CONNACK has come that accepts the connection.
    pub(super) const fn connected(&mut self) {
        #[cfg(feature = "extras")]
        {
            self.connects = self.connects.wrapping_add(1);
        }
    }
}

#[cfg(feature = "extras")]
impl Counts {
    /// Control Packets sent.
    #[must_use]
    pub const fn packets_out(&self) -> u32 {
        self.packets_out
    }

    /// Control Packets received.
    #[must_use]
    pub const fn packets_in(&self) -> u32 {
        self.packets_in
    }

    /// Connections made; wraps at 2^16.
    #[must_use]
    pub const fn connects(&self) -> u16 {
        self.connects
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self::new()
    }
}
