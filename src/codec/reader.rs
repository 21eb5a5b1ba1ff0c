//! Cuts the octets that came into packets: one read may hold many, or part of one.

use core::ops::Range;

use super::error::DecodeError;
use super::fixed_header::FixedHeader;
use super::long_publish::LongPublish;

/// What the octets in the buffer begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// Part of a packet, or nothing: more octets are needed.
    Nothing,
    /// A whole packet, now taken out: its first octet, and where those after the fixed header lie, until the next
    /// [`Reader::space`].
    Packet(u8, Range<usize>),
    /// The start of a PUBLISH that the buffer can never hold; taken out up to where its topic begins.
    Long(LongPublish),
}

/// A buffer of `N` octets between the stream and the decoder.
#[derive(Debug)]
pub struct Reader<const N: usize> {
    octets: [u8; N],
    /// What was not taken out yet lies from `start` to `end`.
    start: u16,
    end: u16,
}

impl<const N: usize> Reader<N> {
    /// An empty buffer.
    #[must_use]
    pub const fn new() -> Self {
        // The longest packet that must fit whole: CONNACK, an acknowledgement, SUBACK; and what a long PUBLISH starts with.
        const { assert!(N >= 16 && N <= u16::MAX as usize, "a receive buffer holds 16 to 65,535 octets") };
        Reader { octets: [0; N], start: 0, end: 0 }
    }

    /// Forgets all octets, for a new connection.
    pub fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Where the next octets from the stream go. Not empty after a [`Cut::Nothing`].
    pub fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            self.clear();
        } else if self.start > 0 {
            // Part of a packet: to the front, so that the rest of it fits behind. (`min`: the compiler does not see that
            // `start` is within, and would keep code for what to do if it is not.)
            if let Some((held, _)) = self.octets.split_at_mut_checked(usize::from(self.end)) {
                held.copy_within(usize::from(self.start).min(held.len()).., 0);
            }
            self.end -= self.start;
            self.start = 0;
        }
        self.octets.get_mut(usize::from(self.end)..).unwrap_or(&mut [])
    }

    /// The same for a buffer that holds nothing.
    #[cfg(feature = "quick")]
    pub fn whole_space(&mut self) -> &mut [u8] {
        self.clear();
        &mut self.octets
    }

    /// Tells that `len` octets were put into [`Reader::space`].
    pub fn filled(&mut self, len: usize) {
        self.end = place::<N>(usize::from(self.end) + len);
    }

    /// The octets not yet taken out.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.octets(usize::from(self.start)..usize::from(self.end))
    }

    /// How many octets [`Reader::pending`] has.
    #[must_use]
    pub fn pending_len(&self) -> u16 {
        self.end.saturating_sub(self.start)
    }

    /// Where [`Reader::pending`] begins.
    #[cfg(feature = "quick")]
    #[must_use]
    pub fn start(&self) -> usize {
        self.start.into()
    }

    /// Takes out the first `len` of [`Reader::pending`], for a packet whose parts are taken one by one.
    pub fn take(&mut self, len: usize) {
        self.start = place::<N>(usize::from(self.start) + len).min(self.end);
    }

    /// The octets at a place that [`Cut::Packet`] told.
    #[must_use]
    pub fn octets(&self, range: Range<usize>) -> &[u8] {
        self.octets.get(range).unwrap_or(&[])
    }

    /// Whether [`Reader::cut`] has something to give, be it an error.
    #[must_use]
    pub fn has_packet(&self) -> bool {
        match FixedHeader::read(self.pending()) {
            Ok(Some((header, header_len))) => self.pending().len() - header_len >= header.remaining_length as usize,
            Ok(None) => false,
            Err(_) => true,
        }
    }

    /// Cuts off the next packet.
    ///
    /// # Errors
    /// Those of [`FixedHeader::read`] and [`LongPublish::read`]: as soon as the octets cannot become a packet.
    pub fn cut(&mut self) -> Result<Cut, DecodeError> {
        let Some((header, header_len)) = FixedHeader::read(self.pending())? else { return Ok(Cut::Nothing) };
        let packet_len = header_len + header.remaining_length as usize;
        if packet_len > N {
            if !header.is_publish() {
                return Err(DecodeError::Length);
            }
            let variable_header = self.pending().get(header_len..).unwrap_or(&[]);
            let Some((long, len)) = LongPublish::read(header.first, header.remaining_length, variable_header)? else {
                return Ok(Cut::Nothing);
            };
            self.take(header_len + len);
            return Ok(Cut::Long(long));
        }
        if packet_len > self.pending().len() {
            return Ok(Cut::Nothing);
        }
        let start = usize::from(self.start);
        let body = start + header_len..start + packet_len;
        self.start = place::<N>(body.end);
        Ok(Cut::Packet(header.first, body))
    }
}

/// An index into a buffer of `N` octets, `N` at most 65,535.
fn place<const N: usize>(index: usize) -> u16 {
    // The bound on `N` stands in `Reader::new`.
    #[allow(clippy::cast_possible_truncation)]
    let place = index.min(N) as u16;
    place
}

impl<const N: usize> Default for Reader<N> {
    fn default() -> Self {
        Self::new()
    }
}
