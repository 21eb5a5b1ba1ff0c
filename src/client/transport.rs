//! What is asked of a stream: embedded-io's `Read` and `Write`, and to say "would block" instead of waiting.

use embedded_io::{Read, Write};

use super::error::Error;

/// A stream that never blocks.
pub trait Transport: Read + Write {
    /// Whether this error only says that the stream has to be ready first.
    fn would_block(error: &Self::Error) -> bool;

    /// Whether a read that gave less than was asked for has drained the stream. Not so under TLS, where a read ends with
    /// its record.
    fn short_read_drains(&self) -> bool {
        false
    }

    /// Writes the start of two slices that follow each other, in one go where the stream can: how many octets it took.
    ///
    /// # Errors
    /// The stream's own.
    fn write_both(&mut self, first: &[u8], second: &[u8]) -> Result<usize, Self::Error> {
        if first.is_empty() { self.write(second) } else { self.write(first) }
    }
}

/// What a call on the stream came to: octets, or `None` for "would block".
pub(super) fn outcome<T: Transport>(result: Result<usize, T::Error>) -> Result<Option<usize>, Error<T::Error>> {
    match result {
        Ok(0) => Err(Error::EndOfStream),
        Ok(octets) => Ok(Some(octets)),
        Err(error) if T::would_block(&error) => Ok(None),
        Err(error) => Err(Error::Transport(error)),
    }
}

/// Writes the start of two slices: how many octets left, or `None` for "would block".
#[inline(never)]
pub(super) fn write<T: Transport>(
    stream: &mut T,
    first: &[u8],
    second: &[u8],
) -> Result<Option<usize>, Error<T::Error>> {
    outcome::<T>(stream.write_both(first, second))
}
