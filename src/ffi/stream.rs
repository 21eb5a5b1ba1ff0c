//! [`Transport`] over the shim's non-blocking calls on the port's stream object.

use core::ffi::c_void;
use core::fmt;

use embedded_io::{ErrorKind, ErrorType, Read, Write};

use super::sys;
use crate::client::Transport;

/// The stream of the client that C calls `client`.
pub struct Stream {
    client: *mut c_void,
    /// Of the last [`StreamError::Failed`]: the port's errno or, under TLS, a code that is far from any.
    pub errno: i32,
}

impl Stream {
    /// # Safety
    /// `client` is what the functions of `umqtt_shim.h` take, for as long as the value lives.
    pub const unsafe fn new(client: *mut c_void) -> Self {
        Stream { client, errno: 0 }
    }
}

/// Why a call on the stream failed. It holds no errno: all results that may hold an error are smaller for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamError {
    /// It would block.
    WouldBlock,
    /// It raised; the exception waits in the client.
    Raised,
    /// It failed; the reason is in [`Stream::errno`].
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

/// `MBEDTLS_ERR_SSL_CONN_EOF`: TCP ended without TLS being told.
const TLS_ENDED: i32 = -0x7280;

impl Stream {
    /// Translates a result of the shim.
    #[inline]
    fn outcome(&mut self, result: isize, asked: usize) -> Result<usize, StreamError> {
        // A stream cannot have moved more than it was asked to.
        usize::try_from(result).map_or_else(|_| self.failure(result), |octets| Ok(octets.min(asked)))
    }

    /// Translates a result that is no number of octets. What ports do differently ends here: the sign of an errno, and how they tell of the
    /// end of a stream, which is 0 octets, no errno at all, or ENOTCONN.
    #[cold]
    fn failure(&mut self, result: isize) -> Result<usize, StreamError> {
        const RAISED: isize = sys::UMQTT_STREAM_RAISED as isize;
        const FAILED: isize = sys::UMQTT_STREAM_FAILED as isize;
        const ENOTCONN: i32 = sys::MP_ENOTCONN.cast_signed();
        const EAGAIN: i32 = sys::MP_EAGAIN.cast_signed();
        const EINPROGRESS: i32 = sys::MP_EINPROGRESS.cast_signed();
        if result == RAISED {
            return Err(StreamError::Raised);
        }
        let code = i32::try_from(FAILED.saturating_sub(result)).unwrap_or(i32::MAX);
        self.errno = if (-255..0).contains(&code) { -code } else { code };
        match self.errno {
            0 | ENOTCONN | TLS_ENDED => Ok(0),
            EAGAIN | EINPROGRESS => Err(StreamError::WouldBlock),
            _ => Err(StreamError::Failed),
        }
    }
}

impl Read for Stream {
    #[cfg_attr(feature = "quick", inline(always))]
    fn read(&mut self, octets: &mut [u8]) -> Result<usize, StreamError> {
        // SAFETY: the pointer and length are those of `octets`; `client` is good by the promise given to `new`.
        let result = unsafe { sys::umqtt_stream_read(self.client, octets.as_mut_ptr(), octets.len()) };
        self.outcome(result, octets.len())
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> Result<usize, StreamError> {
        self.write_both(octets, &[])
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

    #[cfg_attr(feature = "quick", inline(always))]
    fn write_both(&mut self, first: &[u8], second: &[u8]) -> Result<usize, StreamError> {
        let asked = first.len().saturating_add(second.len());
        let (first, first_len) = (first.as_ptr(), first.len());
        // SAFETY: as in `read`, for both slices.
        let result = unsafe { sys::umqtt_stream_write(self.client, first, first_len, second.as_ptr(), second.len()) };
        self.outcome(result, asked)
    }
}
