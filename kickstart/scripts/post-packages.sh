# shellcheck shell=bash
# Inside the new system: install Asterisk from the medium, every package and the repository's metadata verified.
series=$(asterisk_series)
package=$(asterisk_package "$series")
repos=$(mktemp -d)
export LC_ALL=C.UTF-8

cat >"$repos/switchroom-media.repo" <<REPO
[switchroom-media]
name=Switchroom on the installation medium
baseurl=file://$MEDIA/switchroom/repo
gpgkey=file://$MEDIA/switchroom/RPM-GPG-KEY-switchroom
gpgcheck=1
repo_gpgcheck=1
REPO

# Print the keys that the new system's enabled repositories name. The distribution puts more into /etc/pki/rpm-gpg, that
# of its test packages among them.
distribution_keys() (
  shopt -s nullglob
  awk '
    function settle() { if (enabled) printf "%s", keys; keys = ""; enabled = 1 }
    FNR == 1 || /^[[:space:]]*\[/ { settle() }
    /^[[:space:]]*[#;]/ { next }
    /^[^[:space:]]/ { name = $0; sub(/[[:space:]]*[=:].*/, "", name) }
    { value = $0; if (/^[^[:space:]]/) sub(/^[^=:]*[=:]/, "", value) }
    name == "enabled" { enabled = tolower(value) !~ /^[[:space:]]*(0|no|false|off)[[:space:]]*$/ }
    name == "gpgkey" { gsub(/,/, " ", value); keys = keys " " value }
    END { settle() }' /dev/null /etc/yum.repos.d/*.repo
)

# The distribution's metadata on a medium is not signed; its packages are, by the keys of its own repositories.
for part in $MEDIA_REPOSITORIES; do
  [ -d "$MEDIA/$part/repodata" ] || continue
  cat >"$repos/media-${part//\//-}.repo" <<REPO
[media-${part//\//-}]
name=$part on the installation medium
baseurl=file://$MEDIA/$part
gpgkey=$(distribution_keys)
gpgcheck=1
REPO
done

folders=$repos
[ "$OFFLINE" = yes ] || folders=$folders,/etc/yum.repos.d
# shellcheck disable=SC2086  # a list of package names
if ! dnf -y --setopt=reposdir="$folders" --setopt=install_weak_deps=False install $MEDIA_PACKAGES "$package" ||
  ! systemctl enable asterisk.service; then
  stop_here <<MESSAGE
SWITCHROOM STOPS: $package could not be installed from the medium.
The system is installed, Asterisk is not. The reason is in /var/log/switchroom-packages.log of the new system
(from here: ${ANA_INSTALL_PATH:-/mnt/sysroot}/var/log/switchroom-packages.log, on the second screen, Alt+F2).
MESSAGE
fi
