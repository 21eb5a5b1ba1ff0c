//! [`Transport`] over the shim's non-blocking calls on the port's stream object.

use core::ffi::c_void;
use core::fmt;

use embedded_io::{ErrorKind, ErrorType, Read, Write};

use super::sys;
use crate::client::Transport;

/// The stream of the client that C calls `client`.
pub struct Stream {
    client: *mut c_void,
}

impl Stream {
    /// # Safety
    /// `client` is what the functions of `umqtt_shim.h` take, for as long as the value lives.
    pub const unsafe fn new(client: *mut c_void) -> Self {
        Stream { client }
    }
}

/// Why a call on the stream failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamError {
    /// It would block.
    WouldBlock,
    /// It raised; the exception waits in the client.
    Raised,
    /// It failed; the errno waits in the client.
    Failed,
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stream error")
    }
}

impl core::error::Error for StreamError {}

impl embedded_io::Error for StreamError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl ErrorType for Stream {
    type Error = StreamError;
}

/// Translates a result of the shim.
fn outcome(result: isize) -> Result<usize, StreamError> {
    const WOULD_BLOCK: isize = sys::UMQTT_STREAM_WOULD_BLOCK as isize;
    const RAISED: isize = sys::UMQTT_STREAM_RAISED as isize;
    match usize::try_from(result) {
        Ok(octets) => Ok(octets),
        Err(_) if result == WOULD_BLOCK => Err(StreamError::WouldBlock),
        Err(_) if result == RAISED => Err(StreamError::Raised),
        Err(_) => Err(StreamError::Failed),
    }
}

impl Read for Stream {
    fn read(&mut self, octets: &mut [u8]) -> Result<usize, StreamError> {
        // SAFETY: the pointer and length are those of `octets`; `client` is good by the promise given to `new`.
        let result = unsafe { sys::umqtt_stream_read(self.client, octets.as_mut_ptr(), octets.len()) };
        // What the stream says it read cannot be more than it was given room for.
        outcome(result).map(|len| len.min(octets.len()))
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> Result<usize, StreamError> {
        // SAFETY: as in `read`.
        outcome(unsafe { sys::umqtt_stream_write(self.client, octets.as_ptr(), octets.len()) })
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }
}

impl Transport for Stream {
    fn would_block(error: &StreamError) -> bool {
        matches!(error, StreamError::WouldBlock)
    }

    fn short_read_drains(&self) -> bool {
        // SAFETY: `client` is good by the promise given to `new`.
        unsafe { sys::umqtt_stream_short_read_drains(self.client) }
    }

    fn write_both(&mut self, first: &[u8], second: &[u8]) -> Result<usize, StreamError> {
        let (first, first_len) = (first.as_ptr(), first.len());
        // SAFETY: as in `read`, for both slices.
        outcome(unsafe { sys::umqtt_stream_write_both(self.client, first, first_len, second.as_ptr(), second.len()) })
    }
}
