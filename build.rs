//! Prepares what the crate includes: its capacities, and with feature `micropython` the bindings to the C side.
//!
//! Read from the environment (`cmodule/micropython.mk` and `.cmake` set it):
//! - `UMQTT_RX_BUFFER`, `UMQTT_IN_FLIGHT`, `UMQTT_INCOMING`, `UMQTT_WINDOW`: the capacities, see `SETTINGS`.
//! - `UMQTT_CFLAGS`: the C flags of the MicroPython build, or `@FILE` where they stand. Without it the bindings are made
//!   from the stand-ins in `tests/shim`, whose C is then compiled too: that is `cargo test --features micropython`.
//! - `UMQTT_PORT_DIR`: where relative paths in those flags start.
//! - `UMQTT_CC`: the C compiler of that build, asked for its system headers when it is not the host's.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

/// Build settings: variable, constant, default, and what it means.
const SETTINGS: [(&str, &str, usize, &str); 4] = [
    ("UMQTT_RX_BUFFER", "RX_BUFFER", 768, "Octets that the receive buffer of a client holds."),
    (
        "UMQTT_IN_FLIGHT",
        "IN_FLIGHT",
        6,
        "Exchanges that may be under way at once: messages to acknowledge, SUBSCRIBE, UNSUBSCRIBE.",
    ),
    (
        "UMQTT_INCOMING",
        "INCOMING",
        24,
        "Groups of 32 neighbouring QoS 2 identifiers that may be received and not yet released.",
    ),
    (
        "UMQTT_WINDOW",
        "WINDOW",
        512,
        "Octets that are put together on the stack for one write. A longer packet is written in parts, or by `write_both` \
         together with the caller's payload.",
    ),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    write_settings();
    #[cfg(feature = "micropython")]
    bindings::generate();
}

/// Writes `settings.rs`, one constant for each of `SETTINGS`.
fn write_settings() {
    let mut text = String::new();
    for (variable, constant, default, meaning) in SETTINGS {
        println!("cargo::rerun-if-env-changed={variable}");
        let value = match env::var(variable) {
            Ok(set) if !set.is_empty() => set.parse().ok().filter(|value| *value > 0),
            _ => Some(default),
        };
        let value: usize = value.unwrap_or_else(|| panic!("{variable} is not a whole number above 0"));
        writeln!(text, "/// {meaning} Build setting `{variable}`.\npub const {constant}: usize = {value};")
            .expect("a String takes text");
    }
    fs::write(out_dir().join("settings.rs"), text).expect("OUT_DIR takes settings.rs");
}

fn out_dir() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"))
}

#[cfg(feature = "micropython")]
mod bindings {
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::{env, fs};

    /// What bindgen lets through to Rust: functions, types and constants whose whole name matches. The functions are
    /// those of `umqtt_shim.h`; `umqtt.h` declares Rust's own, which only C calls.
    const FUNCTIONS: &str = "umqtt_stream_.*|umqtt_panic";
    const TYPES: &str = "umqtt_.*";
    const CONSTANTS: &str = "UMQTT_.*|MP_E[A-Z]+";

    /// Flags with a value, joined to it or in the next word, that clang takes as gcc does. The last five are paths.
    const VALUED: [&str; 7] = ["-D", "-U", "-I", "-isystem", "-iquote", "-include", "--sysroot="];
    /// Flags without one, or with a fixed beginning: language and target. The rest (warnings, optimisation, what only
    /// gcc knows) does not change what a header declares, and clang may refuse it.
    const PLAIN: [&str; 6] = ["-m32", "-m64", "-mthumb", "-marm", "-fshort-enums", "-fno-short-enums"];
    const PREFIXES: [&str; 6] = ["-std=", "-march=", "-mcpu=", "-mfpu=", "-mfloat-abi=", "-mabi="];

    /// Writes `bindings.rs`.
    pub fn generate() {
        for variable in ["UMQTT_CFLAGS", "UMQTT_PORT_DIR", "UMQTT_CC"] {
            println!("cargo::rerun-if-env-changed={variable}");
        }
        let flags = match env::var("UMQTT_CFLAGS") {
            Ok(flags) if !flags.is_empty() => flags_of_micropython(&flags),
            _ => flags_of_stand_in(),
        };
        bindgen::Builder::default()
            .header("cmodule/bindings.h")
            .clang_args(flags)
            .allowlist_function(FUNCTIONS)
            .allowlist_type(TYPES)
            .allowlist_var(CONSTANTS)
            .use_core()
            .merge_extern_blocks(true)
            .formatter(bindgen::Formatter::None)
            .parse_callbacks(Box::new(bindgen::CargoCallbacks::new()))
            .generate()
            .expect("bindgen reads cmodule/bindings.h; what clang said of it stands above")
            .write_to_file(super::out_dir().join("bindings.rs"))
            .expect("OUT_DIR takes bindings.rs");
    }

    /// The flags of the MicroPython build at hand, as clang takes them.
    fn flags_of_micropython(flags: &str) -> Vec<String> {
        let from_file = flags.strip_prefix('@').map(|file| {
            println!("cargo::rerun-if-changed={file}");
            fs::read_to_string(file).unwrap_or_else(|error| panic!("UMQTT_CFLAGS names {file}: {error}"))
        });
        let words = shlex::split(from_file.as_deref().unwrap_or(flags)).expect("UMQTT_CFLAGS has balanced quotes");
        let port_dir = PathBuf::from(env::var_os("UMQTT_PORT_DIR").unwrap_or_default());
        let mut kept = Vec::new();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if let Some(flag) = VALUED.iter().find(|flag| word.starts_with(**flag)) {
                let value = match &word[flag.len()..] {
                    "" => words.next().unwrap_or_else(|| panic!("UMQTT_CFLAGS ends in {flag}")),
                    joined => joined.to_owned(),
                };
                let is_path = !matches!(*flag, "-D" | "-U");
                let value = if is_path { port_dir.join(value).display().to_string() } else { value };
                kept.push(format!("{flag}{value}"));
            } else if PLAIN.contains(&word.as_str()) || PREFIXES.iter().any(|prefix| word.starts_with(prefix)) {
                kept.push(word);
            }
        }
        // After clang's own: both compilers bring stddef.h and the like.
        kept.extend(system_headers(&kept).iter().map(|dir| format!("-idirafter{}", dir.display())));
        kept
    }

    /// Where a cross compiler keeps its C library's headers: clang knows those of the host only.
    fn system_headers(flags: &[String]) -> Vec<PathBuf> {
        if env::var_os("TARGET") == env::var_os("HOST") {
            return Vec::new();
        }
        let Ok(compiler) = env::var("UMQTT_CC") else { return Vec::new() };
        let mut command = shlex::split(&compiler).expect("UMQTT_CC has balanced quotes").into_iter();
        let output = Command::new(command.next().expect("UMQTT_CC names a compiler"))
            .args(command)
            .args(flags.iter().filter(|flag| flag.starts_with("-m") || flag.starts_with("--sysroot=")))
            .args(["-E", "-v", "-x", "c", "/dev/null"])
            .output()
            .unwrap_or_else(|error| panic!("UMQTT_CC, {compiler}: {error}"));
        // gcc lists the folders that it searches between two fixed lines, one a line, indented.
        String::from_utf8_lossy(&output.stderr)
            .lines()
            .skip_while(|line| !line.starts_with("#include <...>"))
            .take_while(|line| !line.starts_with("End of search list"))
            .filter_map(|line| Path::new(line.trim()).canonicalize().ok())
            .collect()
    }

    /// Builds the C stand-in for the shim, for tests on the host, and tells where its headers are.
    fn flags_of_stand_in() -> Vec<String> {
        let shim = Path::new("tests/shim");
        println!("cargo::rerun-if-changed={}", shim.display());
        let sources: Vec<PathBuf> = fs::read_dir(shim)
            .expect("tests/shim holds the stand-in for MicroPython, or UMQTT_CFLAGS the flags of a real one")
            .map(|entry| entry.expect("tests/shim can be read").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
            .collect();
        if !sources.is_empty() {
            cc::Build::new().files(sources).include(shim).include("cmodule").compile("umqtt_stand_in");
        }
        vec![format!("-I{}", shim.display()), "-Icmodule".to_owned()]
    }
}
