# shellcheck shell=bash
# Shared by ops/mail/start and ops/mail/stop. Source it after ops/lib.sh.

exim=/usr/sbin/exim4

need_exim() {
    [[ -x $exim ]] && return 0
    note "Debian's package may also set up a mail server of its own on port 25; nrwdirekt does not use it"
    need_debian_packages exim4-daemon-light openssl
    [[ -x $exim ]] || fail 1 "the package exim4-daemon-light brought no $exim."
}

# True when the server of `$data` runs.
mail_is_running() { is_process "$(cat "$data/exim.pid" 2>/dev/null || true)" "$data/exim.conf"; }
