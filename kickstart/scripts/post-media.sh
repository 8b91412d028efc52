# shellcheck shell=bash
# Outside the new system: show it the medium, read-only, for as long as packages are installed from it.
target=${ANA_INSTALL_PATH:-/mnt/sysroot}$MEDIA
mkdir -p "$target"
if ! mount --bind -o ro /run/install/repo "$target" || [ ! -f "$target/switchroom/repo/repodata/repomd.xml" ]; then
  stop_here <<MESSAGE
SWITCHROOM STOPS: the medium's repository /run/install/repo/switchroom/repo cannot be read.
The system is installed, Asterisk is not. Check the medium (boot menu: test this media) and install again.
MESSAGE
fi
