# shellcheck shell=bash
# Shared by the scripts under ops/: messages, prerequisites, ports, processes. Source it, do not run it.
#
# Standard output belongs to what a caller wants to read (an address, a URL), everything said to people goes
# to standard error.
#
# Exit codes of all scripts: 0 done, 1 failed, 2 wrong usage or a missing prerequisite that only a person can supply.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# rustup puts cargo here; a shell that was opened before the installation does not know it yet.
if ! command -v cargo >/dev/null 2>&1 && [[ -x ${CARGO_HOME:-$HOME/.cargo}/bin/cargo ]]; then
    PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
fi

# ---------------------------------------------------------------------------------------------- messages

if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
    bold='' dim='' red='' green='' plain=''
fi

# A line for people.
say() { printf '%s\n' "$*" >&2; }

# The start of something that takes a while.
step() { printf '%s==>%s %s%s%s\n' "$green" "$plain" "$bold" "$*" "$plain" >&2; }

# A detail beneath a step.
note() { printf '    %s%s%s\n' "$dim" "$*" "$plain" >&2; }

# Gives up with one sentence; the exit code comes first: `fail 2 "…"`.
fail() {
    local code=$1
    shift
    printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
    exit "$code"
}

# Wrong usage: says what is wrong and where help is.
wrong_usage() { fail 2 "$* (see ${0##*/} --help)"; }

# Prints the comment block at the head of the running script, which is its help, and ends.
show_help() {
    awk 'NR == 1 { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$0"
    exit 0
}

# The value of an option that needs one: `dir=$(option_value "$@")`.
option_value() {
    [[ $# -ge 2 && -n $2 ]] || wrong_usage "$1 needs a value"
    printf '%s' "$2"
}

# Runs a phase with its title, and says how long it took: `phase TITLE COMMAND…`.
phase() {
    local title=$1 started=$SECONDS code=0
    shift
    step "$title"
    "$@" || code=$?
    if ((code == 0)); then
        note "$title: $((SECONDS - started)) s"
    else
        say "${red}failed${plain} after $((SECONDS - started)) s: $title (exit code $code)"
    fi
    return "$code"
}

# The end of a log, for a failure whose reason is in there.
show_tail() {
    local file=$1
    [[ -s $file ]] || return 0
    say "--- the last lines of $file"
    tail -n "${2:-30}" "$file" >&2
    say "---"
}

# ----------------------------------------------------------------------------------------- prerequisites

# True when version $1 is at least version $2.
version_at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

# Rust as new as Cargo.toml demands, or one sentence with the remedy.
need_rust() {
    local wanted found remedy
    wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
    remedy="install it with rustup (https://rustup.rs), or run \`rustup update stable\` if you have rustup, and start again"
    if ! command -v cargo >/dev/null 2>&1 || ! found=$(rustc --version 2>/dev/null); then
        fail 2 "Rust $wanted or newer is needed and none was found: $remedy."
    fi
    found=${found#rustc }
    found=${found%% *}
    version_at_least "$found" "$wanted" || fail 2 "Rust $wanted or newer is needed and $found was found: $remedy."
}

# A part of the toolchain that a minimal installation leaves out: `need_cargo_command COMMAND COMPONENT`.
need_cargo_command() {
    cargo "$1" --version >/dev/null 2>&1 || fail 2 "cargo $1 is missing: run \`rustup component add $2\` and start again."
}

# Where cargo puts what it builds, wherever that was configured.
target_dir() {
    cargo metadata --manifest-path "$root/Cargo.toml" --format-version 1 --no-deps |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]; }

# A candidate for installation is known; false too while the package lists are still empty.
is_available() { [[ -n $(apt-cache --quiet=0 policy "$1" 2>/dev/null | sed -n '/Candidate: (none)/d; /Candidate:/p') ]]; }

# apt-get without questions, as root, waiting for another one that is at work; what it says is shown if it fails.
apt_get() {
    local as_root=() code=0 log
    if ((EUID != 0)); then
        command -v sudo >/dev/null 2>&1 || fail 2 "packages are missing and neither root nor sudo is at hand: run as root \`apt-get $*\`."
        as_root=(sudo)
        [[ -t 0 ]] || as_root+=(-n)
    fi
    log=$(mktemp)
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null >"$log" 2>&1 || code=$?
    ((code == 0)) || show_tail "$log"
    rm -f "$log"
    return "$code"
}

# Installs the Debian or Ubuntu packages among its arguments that are missing, and says so before it does.
need_debian_packages() {
    local package missing=() update=''
    command -v dpkg-query >/dev/null 2>&1 ||
        fail 2 "this is no Debian or Ubuntu system: install what these packages hold by your own means, and put a dpkg-query in place: $*."
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0

    step "installing missing packages: ${missing[*]}"
    for package in "${missing[@]}"; do
        is_available "$package" || update=yes
    done
    [[ -z $update ]] || apt_get update || fail 1 "the package lists could not be read (apt-get update)."
    apt_get install --no-install-recommends "${missing[@]}" && return 0
    [[ -z $update ]] || fail 1 "could not install: ${missing[*]}."
    # The lists may be older than what the archive still holds.
    apt_get update || fail 1 "the package lists could not be read (apt-get update)."
    apt_get install --no-install-recommends "${missing[@]}" || fail 1 "could not install: ${missing[*]}."
}

# What the Rust build links or compiles: librdkafka (configure, make, OpenSSL, zlib), SQLite, zstd, ring.
need_build_packages() { need_debian_packages build-essential pkg-config libssl-dev zlib1g-dev ca-certificates; }

# The major version of a java program, 0 when it does not run.
java_major() {
    local version
    version=$("$1" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1) || true
    printf '%s' "${version:-0}"
}

find_java() {
    local candidate
    for candidate in "${JAVA_HOME:-/nonexistent}/bin/java" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        if [[ -x $candidate ]] && (($(java_major "$candidate") >= 17)); then
            printf '%s' "$candidate"
            return 0
        fi
    done
    return 1
}

# Prints the path of a java program of version 17 or newer, which Kafka 4 needs; installs one when there is none.
need_java() {
    local package
    if ! find_java; then
        [[ -n $(apt-cache pkgnames openjdk 2>/dev/null) ]] || apt_get update
        for package in openjdk-17-jre-headless openjdk-21-jre-headless default-jre-headless; do
            if is_available "$package"; then break; fi
        done
        need_debian_packages "$package"
        find_java || fail 2 "Apache Kafka needs Java 17 or newer; $package does not bring it: install a newer JRE and set JAVA_HOME."
    fi
}

# ------------------------------------------------------------------------------------ ports and processes

# True when a program listens on the local TCP port. What is left of closed connections does not count: servers
# may listen again beside it.
port_is_served() { local_port_has_state "$1" 0A; }

# True when no program listens on it.
port_is_free() { ! port_is_served "$1"; }

# True when any local TCP socket holds the port.
port_in_use() { local_port_has_state "$1" '..'; }

local_port_has_state() {
    local hex
    printf -v hex '%04X' "$1"
    awk -v port=":$hex\$" -v state="^$2\$" '$2 ~ port && $4 ~ state { found = 1 } END { exit !found }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Prints a free loopback port, below the range from which outgoing connections take theirs.
free_port() {
    local port try
    for try in {1..200}; do
        port=$((20000 + (RANDOM * 32768 + RANDOM + try) % 12000))
        if ! port_in_use "$port"; then
            printf '%s' "$port"
            return 0
        fi
    done
    fail 1 "no free port between 20000 and 32000."
}

# Prints the port to use: the one asked for, else the one remembered in a file (if it is still free), else any free one.
# A program that was just killed may hold its port for a moment longer than its process can be seen.
choose_port() {
    local asked=$1 memory=$2 remembered
    if [[ -n $asked ]]; then
        if [[ ! $asked =~ ^[0-9]{1,5}$ ]] || ((asked < 1 || asked > 65535)); then fail 2 "not a port: $asked"; fi
        if ! wait_until 10 port_is_free "$asked"; then fail 1 "port $asked is in use by another program."; fi
        printf '%s' "$asked"
        return 0
    fi
    remembered=$(cat "$memory" 2>/dev/null || true)
    if [[ -n $remembered ]] && wait_until 10 port_is_free "$remembered"; then
        printf '%s' "$remembered"
    else
        free_port
    fi
}

# True when the process lives and its command line holds the text: a pid alone may have been given to another program.
is_process() {
    local pid=$1 text=$2
    [[ -n $pid && -r /proc/$pid/cmdline ]] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$text"
}

# Waits until a condition holds: `wait_until SECONDS COMMAND…`.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# A folder's absolute path; it is made when missing.
make_dir() {
    mkdir -p "$1" || fail 1 "the folder $1 cannot be made."
    (cd "$1" && pwd -P)
}

# Holds a folder's lock for the rest of the script, so that two starts or a start and a stop do not mix.
# Children must not inherit it: start servers with `9>&-`.
lock_dir() {
    exec 9>"$1/ops.lock"
    flock -w 120 9 || fail 1 "another ops script is at work on $1."
}
