#!/bin/sh
# What the browser tests and the benchmarks need from the system: Chromium and wrk.
set -eu

has() { command -v "$1" >/dev/null 2>&1; }

missing=""
has chromium || has chromium-browser || missing="chromium"
has wrk || missing="$missing wrk"
[ -n "$missing" ] || exit 0

if has apt-get && [ "$(id -u)" = 0 ]; then
    echo "Installing$(printf ' %s' $missing) with apt-get …"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null >/dev/null || true
    # shellcheck disable=SC2086
    if apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null; then
        exit 0
    fi
fi
echo "make: missing:$(printf ' %s' $missing). Install them with your system's packages, on Debian and Ubuntu:" \
    "sudo apt-get install $missing" >&2
# In CI what needs them has to run; elsewhere those tests say what they lack, and the others still help.
[ -z "${CI:-}" ] || exit 2
