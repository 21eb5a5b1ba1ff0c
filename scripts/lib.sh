# What the scripts share, to be sourced: where things are, how to fail, how a long step shows that it lives.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
# Debian keeps mosquitto where a user's PATH may not look, rustup its cargo where a non-login shell's may not.
PATH=$PATH:/usr/sbin:/sbin:${CARGO_HOME:-$HOME/.cargo}/bin
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
