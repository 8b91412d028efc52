# Sourced by the other scripts: makes this machine able to build and test, and sets PATH to the project's tools.
# shellcheck shell=bash
# Knows Debian 12 (apt) and EL9/EL10 (dnf); the EL side is unproved, no EL machine was at hand.

say() { printf '\n== %s\n' "$*" >&2; }
die() { printf 'error: %s\n  hint: %s\n' "$1" "$2" >&2; exit "${3:-1}"; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${SWITCHROOM_VENV:-$root/.venv}

wanted_packages() { sed 's/#.*//' "$root/scripts/packages-$1.txt" | xargs -n1; }

missing_debian() {
    local name
    for name in $(wanted_packages debian); do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s ' "$name"
    done
}

missing_el() {
    local name
    for name in $(wanted_packages el); do rpm -q --quiet --whatprovides "$name" || printf '%s ' "$name"; done
}

install_packages() {
    local family=$1 missing=$2
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || die "These packages are missing: $missing" "Install them, or run this script as root." 3
    say "Installing system packages: $missing"
    # shellcheck disable=SC2086 # one word a package
    case $family in
        debian) apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null ;;
        el) dnf -y -q install epel-release && dnf -y -q install --enablerepo=crb $missing ;;
    esac || die "The system packages could not be installed." "See the package manager's message above."
}

ensure_system_packages() {
    if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
        install_packages debian "$(missing_debian)"
    elif command -v dnf >/dev/null; then
        install_packages el "$(missing_el)"
    else
        die "This machine has neither apt-get nor dnf." "Use Debian 12, or Rocky, Alma or CentOS Stream 9 or 10." 3
    fi
}

find_python() {
    local name
    for name in python3 python3.12 python3.11; do
        "$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$name"; return; }
    done
    die "Python 3.11 or newer with venv is missing." "Install python3 and python3-venv (EL9: python3.11)." 3
}

ensure_venv() {
    local stamp python
    stamp=$(cat "$root/pyproject.toml" <(echo "$root") | sha256sum | cut -d' ' -f1)
    [ "$(cat "$venv/stamp" 2>/dev/null)" = "$stamp" ] || {
        python=$(find_python)
        say "Making the Python environment in $venv"
        "$python" -m venv --clear "$venv" || die "The Python environment could not be made." "Install python3-venv."
        "$venv/bin/pip" install -q --disable-pip-version-check -e "${root}[dev]" ||
            die "The Python packages could not be installed." "Check that PyPI, or your mirror of it, is reachable."
        echo "$stamp" >"$venv/stamp"
    }
    export PATH="$venv/bin:/usr/sbin:/sbin:$PATH"
}
