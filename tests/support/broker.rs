//! A real mosquitto on a free port of the loopback, for one test.

use std::fs::{self, File};
use std::io::{self, ErrorKind as IoErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use embedded_io::{ErrorKind, ErrorType};
use umqtt::client::Transport;

/// How long the broker may take to start.
const START: Duration = Duration::from_secs(10);

/// A running mosquitto; ends with the value.
pub struct Broker {
    process: Child,
    port: u16,
    folder: PathBuf,
}

impl Broker {
    /// One that lets everybody in.
    pub fn start() -> Self {
        Broker::with("allow_anonymous true\n", &[])
    }

    /// One with these lines in its configuration, where `@` stands for a folder that holds these files.
    pub fn with(configuration: &str, files: &[(&str, &str)]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("umqtt-broker-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the broker");
        for (name, text) in files {
            fs::write(folder.join(name), text).expect("a file for the broker");
        }
        let path = folder.to_str().expect("a path in UTF-8");
        // Another process may take the port between asking and binding: then mosquitto ends at once, and we ask again.
        for _ in 0..5 {
            let port = free_port();
            let text = format!("listener {port} 127.0.0.1\n{}", configuration.replace('@', path));
            let file = folder.join("mosquitto.conf");
            fs::write(&file, text).expect("a configuration for the broker");
            let log = folder.join("log");
            let mut process = Command::new(mosquitto())
                .arg("-c")
                .arg(&file)
                .stdout(Stdio::null())
                .stderr(File::create(&log).expect("a log for the broker"))
                .spawn()
                .expect("mosquitto starts");
            if runs(&mut process, &log) {
                return Broker { process, port, folder };
            }
        }
        panic!("mosquitto does not start with {}", folder.join("mosquitto.conf").display());
    }

    /// A connection on the level of TCP.
    pub fn tcp(&self) -> Tcp {
        Tcp::connect(self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Debian puts it where only root looks.
fn mosquitto() -> &'static str {
    let path = "/usr/sbin/mosquitto";
    if fs::exists(path).unwrap_or(false) { path } else { "mosquitto" }
}

/// Where Debian puts this plugin: in the folder of the machine's architecture.
pub fn plugin(name: &str) -> String {
    let folders = fs::read_dir("/usr/lib").expect("/usr/lib");
    let mut paths = folders.map(|folder| folder.expect("a folder").path().join(name));
    let path = paths.find(|path| path.exists()).expect("mosquitto's plugins in a folder of /usr/lib");
    path.to_str().expect("a path in UTF-8").to_owned()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its number").port()
}

/// Waits until the broker says that it runs. That something answers on its port proves nothing: it may be another one.
fn runs(process: &mut Child, log: &Path) -> bool {
    let until = Instant::now() + START;
    while Instant::now() < until && process.try_wait().expect("its state").is_none() {
        if fs::read_to_string(log).is_ok_and(|text| text.contains(" running")) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = process.kill();
    let _ = process.wait();
    false
}

/// TCP that never blocks.
pub struct Tcp {
    stream: TcpStream,
    /// Calls of write that took something.
    pub writes: usize,
}

impl Tcp {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the broker listens");
        stream.set_nonblocking(true).expect("a stream that does not block");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Tcp { stream, writes: 0 }
    }

    /// Waits a moment for octets to read.
    pub fn rest(&self) {
        self.stream.set_nonblocking(false).expect("a stream that blocks");
        self.stream.set_read_timeout(Some(Duration::from_millis(2))).expect("a limit");
        let _ = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(true).expect("a stream that does not block");
    }
}

/// The error of a [`Tcp`].
#[derive(Debug)]
pub struct TcpError(io::Error);

impl std::fmt::Display for TcpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for TcpError {}

impl embedded_io::Error for TcpError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl ErrorType for Tcp {
    type Error = TcpError;
}

impl embedded_io::Read for Tcp {
    fn read(&mut self, octets: &mut [u8]) -> Result<usize, TcpError> {
        self.stream.read(octets).map_err(TcpError)
    }
}

impl embedded_io::Write for Tcp {
    fn write(&mut self, octets: &[u8]) -> Result<usize, TcpError> {
        self.writes += 1;
        self.stream.write(octets).map_err(TcpError)
    }

    fn flush(&mut self) -> Result<(), TcpError> {
        Ok(())
    }
}

impl Transport for Tcp {
    fn would_block(error: &TcpError) -> bool {
        error.0.kind() == IoErrorKind::WouldBlock
    }

    fn short_read_drains(&self) -> bool {
        true
    }
}
