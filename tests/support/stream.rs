//! A stream that does what a script says, and checks what a TLS stream asks of its user.

use std::collections::VecDeque;
use std::fmt;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use umqtt::client::Transport;

/// Why a call on the stream failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    WouldBlock,
    Broken,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Fault {}

impl embedded_io::Error for Fault {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// What one read comes to. When the script is used up, reads would block.
#[derive(Debug, Clone)]
pub enum Input {
    Octets(Vec<u8>),
    WouldBlock,
    Broken,
    End,
}

/// What one write comes to. When the script is used up, see [`Script::then`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Take(usize),
    WouldBlock,
    Broken,
    /// No octet, and no error: a stream that is closed for writing.
    Nothing,
}

/// One write that took something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub octets: Vec<u8>,
    /// Where the octets were taken from, and where those after a gap in memory.
    pub from: *const u8,
    pub second: Option<*const u8>,
}

/// A scripted stream.
#[derive(Debug, Default)]
pub struct Script {
    pub inputs: VecDeque<Input>,
    pub outputs: VecDeque<Output>,
    /// What writes come to when the script is used up, if they do not take all.
    pub then: Option<Output>,
    pub written: Vec<Written>,
    pub reads: usize,
    /// Takes two slices in one write.
    pub gathers: bool,
    /// Says that a short read has drained it.
    pub drains: bool,
    /// What a write that would block was offered: it has to be offered again, octet for octet.
    owed: Option<Vec<u8>>,
    /// Whether to pass over a change of what is owed: the caller's own doing.
    pub forgives: bool,
}

impl Script {
    pub fn gives(&mut self, octets: &[u8]) {
        self.inputs.push_back(Input::Octets(octets.to_vec()));
    }

    /// Each octet in a read of its own.
    pub fn gives_singly(&mut self, octets: &[u8]) {
        self.inputs.extend(octets.iter().map(|&octet| Input::Octets(vec![octet])));
    }

    /// All octets written since the last call.
    pub fn sent(&mut self) -> Vec<u8> {
        self.written.drain(..).flat_map(|write| write.octets).collect()
    }

    /// All writes since the last call.
    pub fn writes(&mut self) -> Vec<Vec<u8>> {
        self.written.drain(..).map(|write| write.octets).collect()
    }

    fn take(&mut self, first: &[u8], second: &[u8]) -> Result<usize, Fault> {
        let offered = [first, second].concat();
        assert!(!offered.is_empty(), "an empty write");
        if let Some(owed) = self.owed.take() {
            assert!(self.forgives || owed == offered, "after \"would block\" {owed:?} was owed, not {offered:?}");
        }
        let output = self.outputs.pop_front().or(self.then);
        let len = match output {
            None => offered.len(),
            Some(Output::Take(len)) => len.min(offered.len()),
            Some(Output::Nothing) => 0,
            Some(Output::Broken) => return Err(Fault::Broken),
            Some(Output::WouldBlock) => {
                self.owed = Some(offered);
                return Err(Fault::WouldBlock);
            }
        };
        if len > 0 {
            let second = (len > first.len()).then_some(second.as_ptr());
            self.written.push(Written { octets: offered[..len].to_vec(), from: first.as_ptr(), second });
        }
        Ok(len)
    }
}

impl ErrorType for Script {
    type Error = Fault;
}

impl Read for Script {
    fn read(&mut self, octets: &mut [u8]) -> Result<usize, Fault> {
        self.reads += 1;
        assert!(!octets.is_empty(), "a read into nothing");
        match self.inputs.pop_front() {
            None | Some(Input::WouldBlock) => Err(Fault::WouldBlock),
            Some(Input::Broken) => Err(Fault::Broken),
            Some(Input::End) => Ok(0),
            Some(Input::Octets(come)) => {
                let (now, later) = come.split_at(come.len().min(octets.len()));
                octets[..now.len()].copy_from_slice(now);
                if !later.is_empty() {
                    self.inputs.push_front(Input::Octets(later.to_vec()));
                }
                Ok(now.len())
            }
        }
    }
}

impl Write for Script {
    fn write(&mut self, octets: &[u8]) -> Result<usize, Fault> {
        self.take(octets, &[])
    }

    fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Transport for Script {
    fn would_block(error: &Fault) -> bool {
        *error == Fault::WouldBlock
    }

    fn short_read_drains(&self) -> bool {
        self.drains
    }

    fn write_both(&mut self, first: &[u8], second: &[u8]) -> Result<usize, Fault> {
        if self.gathers {
            self.take(first, second)
        } else if first.is_empty() {
            self.take(second, &[])
        } else {
            self.take(first, &[])
        }
    }
}
