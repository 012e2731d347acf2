# shellcheck shell=bash
# What every script here shares: places, messages, timed steps.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
state_dir=${CONFIDEXMON_BED_STATE:-${XDG_STATE_HOME:-${HOME:-/root}/.local/state}/confidexmon-bed}
cache_dir=${CONFIDEXMON_BED_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/confidexmon-bed}
mkdir -p "$state_dir" "$cache_dir"
export root state_dir cache_dir

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $1"
    [ -z "${2:-}" ] || say "hint: $2"
    exit 1
}

# step NAME COMMAND…: runs it and says how long it took.
step() {
    local name=$1 began=$SECONDS
    shift
    say "==> $name"
    "$@" || die "$name failed"
    say "    $name: $((SECONDS - began)) s"
}

is_root() { [ "$(id -u)" -eq 0 ]; }

is_root_on_debian() { is_root && command -v apt-get >/dev/null 2>&1; }

# apt_install PACKAGE…: quietly, with the log shown when it fails.
apt_install() {
    is_root_on_debian || die "the packages $* are needed" "install them by hand, or run this as root on Debian"
    local log="$state_dir/apt.log"
    say "    installing $* (Debian packages)"
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        die "installing $* failed" "the whole log is $log"
    fi
}

# The C compiler that Rust links with; the toolchain itself must be there.
ensure_toolchain() {
    [ -f "${HOME:-/root}/.cargo/env" ] && PATH="${HOME:-/root}/.cargo/bin:$PATH"
    command -v cargo >/dev/null 2>&1 || die "cargo is not there" "install a Rust toolchain (1.91 or newer) from rustup.rs"
    command -v cc >/dev/null 2>&1 || apt_install gcc libc6-dev
}
