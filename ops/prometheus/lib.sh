# shellcheck shell=bash
# Prometheus' promtool. Source it after ops/lib.sh.

# Where promtool is kept when it is not installed, shared by all checkouts of a user.
promtool_home=${XDG_CACHE_HOME:-$HOME/.cache}/nrwdirekt/promtool

# Sets `promtool`. Where it is missing it is taken out of Debian's package prometheus, which is not installed: no server of
# its own is started, and root is needed for stale package lists only.
need_promtool() {
    if promtool=$(command -v promtool); then return 0; fi
    promtool=$promtool_home/usr/bin/promtool
    if [[ -x $promtool ]]; then return 0; fi

    command -v dpkg-deb >/dev/null 2>&1 || fail 2 "this is no Debian or Ubuntu system: put Prometheus' promtool on the PATH."
    step "taking promtool out of the package prometheus (once, about 20 MB) to $promtool_home"
    is_available prometheus || apt_get update || fail 1 "the package lists could not be read (apt-get update)."
    download_promtool && return 0
    # The lists may be older than what the archive still holds.
    apt_get update || fail 1 "the package lists could not be read (apt-get update)."
    download_promtool || fail 1 "the package prometheus could not be downloaded."
}

download_promtool() {
    local fresh code=0
    fresh=$(mktemp -d)
    {
        (cd "$fresh" && apt-get -qq download prometheus) >"$fresh/log" 2>&1 &&
            dpkg-deb -x "$fresh"/prometheus_*.deb "$fresh/package" &&
            mkdir -p "$promtool_home/usr/bin" &&
            mv "$fresh/package/usr/bin/promtool" "$promtool.$$" &&
            mv "$promtool.$$" "$promtool"
    } || code=1
    ((code == 0)) || show_tail "$fresh/log"
    rm -rf "$fresh"
    return "$code"
}
