# What the scripts share, to be sourced: where things are, how to fail, how a long step shows that it lives.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
# Debian keeps mosquitto where a user's PATH may not look, rustup its cargo where a non-login shell's may not. That comes first:
# Debian's Rust for the board must not take its place. The last is where setup unpacks QEMU if it cannot be installed.
PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH:/usr/sbin:/sbin:$build/qemu/usr/bin
# Rust's name for the board's processor.
board_target=thumbv7r-none-eabi
# And for the Unix port of 32 bits.
target_32=i686-unknown-linux-gnu
# A checkout given as MICROPYTHON is left as it was.
export PYTHONDONTWRITEBYTECODE=1

# die MESSAGE: one line that says what is wrong and what to do.
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# help_asked ARGUMENTS: prints the script's first comment if --help is among them.
help_asked() {
    local argument
    for argument; do
        case $argument in
        -h | --help)
            sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        esac
    done
}

# watch TITLE LOG COMMAND...: runs it into the log, with a sign of life every 10 seconds. Its status is the command's.
watch() {
    local title=$1 log=$2 start=$SECONDS status=0 beat
    shift 2
    mkdir -p "$(dirname "$log")"
    printf '%s ...' "$title"
    # Ends by itself if this script is killed. Its sleep must not hold the output open.
    while sleep 10 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        printf ' %ss' $((SECONDS - start))
    done &
    beat=$!
    "$@" </dev/null >"$log" 2>&1 || status=$?
    kill "$beat" 2>/dev/null || true
    wait "$beat" 2>/dev/null || true
    if [ $status -eq 0 ]; then
        printf ' done in %s s\n' $((SECONDS - start))
    else
        printf ' FAILED after %s s\n' $((SECONDS - start))
    fi
    return $status
}

# step TITLE LOG HINT COMMAND...: watch, and when it fails the end of the log, then one line with the hint, then exit.
step() {
    local title=$1 log=$2 hint=$3
    shift 3
    watch "$title" "$log" "$@" || {
        tail -n 25 "$log" | sed 's/^/    /'
        die "$title failed: $hint"
    }
}

# fetch_debian_source PACKAGE ARCHIVE SHA256 TREE: an original source that Debian carries, unpacked as TREE.
#
# It comes from the Debian mirror that this machine uses; its hash is checked. Nothing of apt's own state is touched and root
# is not needed.
fetch_debian_source() {
    local package=$1 archive=$2 sha256=$3 tree=$4 download mirror
    download=$tree.download
    rm -rf "$download"
    mkdir -p "$download/tree"
    # The pool is the same for all releases of Debian, so a mirror set up for Debian 12 has Debian 13's file too. A machine
    # may name several mirrors; those of the security archive do not have it.
    # shellcheck disable=SC2016 # apt's variable, not the shell's
    for mirror in $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u | grep -v security); do
        if /usr/lib/apt/apt-helper -o Acquire::Retries=2 -o Acquire::http::Timeout=30 download-file \
            "${mirror%/}/pool/main/${package:0:1}/$package/$archive" "$download/$archive" "SHA256:$sha256"; then
            # Moved into place whole, so that an interrupted run leaves nothing that looks finished.
            tar --extract --file "$download/$archive" --directory "$download/tree" --strip-components=1 &&
                mv "$download/tree" "$tree" &&
                rm -rf "$download"
            return
        fi
    done
    return 1
}

# rust_version_of CARGO: its version if it runs, as 1.87.0.
rust_version_of() {
    "$1" --version 2>/dev/null | sed -n 's/^cargo \([0-9.]*\).*/\1/p'
}

# use_rust: puts the first cargo that is new enough in front of PATH; fails if there is none.
use_rust() {
    local needed candidate version
    needed=$(sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' "$root/Cargo.toml")
    while read -r candidate; do
        version=$(rust_version_of "$candidate")
        if [ -n "$version" ] && printf '%s\n%s\n' "$needed" "$version" | sort --check=quiet --version-sort; then
            PATH=$(dirname "$candidate"):$PATH
            return 0
        fi
    done < <(type -ap cargo)
    return 1
}
use_rust || true

# has_rust_for TARGET: whether rustup has Rust's core for that processor.
has_rust_for() {
    command -v rustup >/dev/null && rustup target list --installed 2>/dev/null | grep -qx "$1"
}

# choose_rust TARGET: sets cargo and cargo_flags for make, and is_debians if that is Debian's Rust; says which one it is.
choose_rust() {
    is_debians=false
    if has_rust_for "$1"; then
        cargo=cargo
        cargo_flags=
        echo "Rust for $1: rustup's, which has it"
    elif [ -x /usr/bin/cargo ] && [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/core" ]; then
        # No package has core for this target, so it is built along; that is why the compiler must be told to allow it.
        is_debians=true
        cargo="env RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc /usr/bin/cargo"
        cargo_flags="-Zbuild-std=core"
        echo "Rust for $1: Debian's, which builds core for it"
    else
        die "no Rust for $1: rustup target add $1, or Debian's rustc-web, cargo-web and rust-web-src"
    fi
}

# tests_as_built OPTION ARGUMENT...: tests/micropython/run.py with what that option of scripts/build_unix has made.
tests_as_built() {
    local program=$build/unix-${1#--}/micropython faults=/none
    [ "$1" != --gil ] || faults=$program
    shift
    python3 "$root/tests/micropython/run.py" --stock /none --micropython "$program" --faults "$faults" "$@"
}
