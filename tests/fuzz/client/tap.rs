//! The scripted stream, with the Server's view of all that crosses it.

use embedded_io::{ErrorType, Read, Write};
use umqtt::client::Transport;

use super::server::Server;
use super::support::stream::{Fault, Script};

/// A stream and what a Server at its other end knows.
#[derive(Debug, Default)]
pub struct Tap {
    pub script: Script,
    pub server: Server,
    /// Calls so far.
    pub calls: usize,
    /// Octets that crossed so far, in either direction.
    pub crossed: usize,
    /// Whether the last write would block.
    pub blocks: bool,
}

impl Tap {
    /// A new stream to the same Server.
    pub fn renew(&mut self) {
        self.script = Script::default();
        self.blocks = false;
    }

    fn wrote(&mut self, result: &Result<usize, Fault>) {
        self.blocks = *result == Err(Fault::WouldBlock);
        for octets in self.script.writes() {
            self.crossed += octets.len();
            self.server.gets(&octets);
        }
    }
}

impl ErrorType for Tap {
    type Error = Fault;
}

impl Read for Tap {
    fn read(&mut self, octets: &mut [u8]) -> Result<usize, Fault> {
        self.calls += 1;
        let result = self.script.read(octets);
        if let Ok(len) = result {
            self.crossed += len;
            self.server.gave(&octets[..len]);
        }
        result
    }
}

impl Write for Tap {
    fn write(&mut self, octets: &[u8]) -> Result<usize, Fault> {
        self.calls += 1;
        let result = self.script.write(octets);
        self.wrote(&result);
        result
    }

    fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Transport for Tap {
    fn would_block(error: &Fault) -> bool {
        Script::would_block(error)
    }

    fn short_read_drains(&self) -> bool {
        self.script.short_read_drains()
    }

    fn write_both(&mut self, first: &[u8], second: &[u8]) -> Result<usize, Fault> {
        self.calls += 1;
        let result = self.script.write_both(first, second);
        self.wrote(&result);
        result
    }
}
