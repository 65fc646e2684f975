# shellcheck shell=bash
# Shared by ops/postgres/start and ops/postgres/stop. Source it after ops/lib.sh.

# PostgreSQL refuses to run as root and then runs as the user postgres, who may not enter the folders above the
# cluster (a checkout in /root, a temporary folder with mode 0700). Its programs therefore inherit the cluster as an
# open file and get this name of it, for which no right on the folders above is needed.
# shellcheck disable=SC2034  # used by the scripts that source this file
here=/proc/self/fd/8

# Sets `programs` to the folder of the newest installed server; installs Debian's when there is none.
need_postgres() {
    find_postgres && return 0
    note "Debian's package may also set up a server of its own on port 5432; nrwdirekt does not use it"
    need_debian_packages postgresql
    find_postgres || fail 1 "the package postgresql brought no server under /usr/lib/postgresql."
}

find_postgres() {
    local found
    found=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
    [[ -x $found ]] || return 1
    programs=${found%/postgres}
}

# Runs one of PostgreSQL's programs in a cluster, never as root: `in_cluster CLUSTER PROGRAM ARGS…`.
in_cluster() {
    local cluster=$1 program=$2
    shift 2
    [[ -n ${programs:-} ]] || find_postgres || fail 1 "PostgreSQL's programs are not installed."
    cd /
    if ((EUID == 0)); then
        runuser -u postgres -- "$programs/$program" "$@" 8<"$cluster"
    else
        "$programs/$program" "$@" 8<"$cluster"
    fi
}

# True when the server of `$cluster` runs.
postgres_is_running() {
    local pid
    pid=$(head -n 1 "$cluster/postmaster.pid" 2>/dev/null) || return 1
    is_process "$pid" postgres && [[ $(readlink "/proc/$pid/cwd") == "$cluster" ]]
}

postgres_url() { printf 'postgres://nrwdirekt@127.0.0.1:%s/nrwdirekt\n' "$1"; }

# True when no process works in the cluster any more: a killed server's children take a moment to notice.
cluster_is_quiet() {
    local cwd
    for cwd in /proc/[0-9]*/cwd; do
        [[ $(readlink "$cwd" 2>/dev/null) != "$cluster" ]] || return 1
    done
}

# Removes the lock file of a server that was killed and whose parent has not collected it: PostgreSQL takes such a
# remainder for a living server and would not start.
forget_dead_server() {
    local pid
    pid=$(head -n 1 "$cluster/postmaster.pid" 2>/dev/null) || return 0
    wait_until 30 cluster_is_quiet || fail 1 "processes of a killed PostgreSQL are still at work in $cluster."
    if grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null; then rm -f "$cluster/postmaster.pid"; fi
}
