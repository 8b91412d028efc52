# shellcheck shell=bash
# Inside the new system: leave on its disk what the first boot installs, for the medium is gone by then.
keep=/var/lib/switchroom/media
downloads=$(mktemp -d)
install -d -m 0755 "$keep/repos"

copy() { # PATH on the medium, to the same path in $keep
  (cd "$MEDIA" && cp -r --parents "$1" "$keep")
}

copy switchroom/repo
copy switchroom/RPM-GPG-KEY-switchroom
# The first boot sees the medium's part of Switchroom's packages as the channel that a PBX has.
for file in "$repos"/*.repo; do
  sed -e "s|$MEDIA|$keep|" -e 's|^\[switchroom-media\]$|[switchroom-stable]|' "$file" >"$keep/repos/${file##*/}"
done

# Of the distribution's packages only those that are needed, under the distribution's own metadata.
# shellcheck disable=SC2086  # a list of package names
dnf -y --setopt=reposdir="$folders" --setopt=strict=0 install --downloadonly --downloaddir="$downloads" $ROLE_PACKAGES ||
  echo "SWITCHROOM: what the first boot installs is not complete on this medium; the first boot will say what is missing." |
  announce
for part in $MEDIA_REPOSITORIES; do
  [ -d "$MEDIA/$part/repodata" ] || continue
  copy "$part/repodata"
  (cd "$MEDIA" && find "$part" -name '*.rpm') | while IFS= read -r package; do
    if [ -f "$downloads/${package##*/}" ]; then copy "$package"; fi
  done
done
rm -r "$downloads" "$repos"

from="$keep/repos"
[ "$OFFLINE" = yes ] || from="$from,/etc/yum.repos.d"
{ cat /etc/dnf/dnf.conf && echo "reposdir=$from"; } >"$keep/dnf.conf"

(umask 077 && cat >/etc/switchroom/first-boot.yml) <<'INVENTORY'
{% include "first-boot/inventory.j2" %}
INVENTORY
install -d -m 0700 /var/lib/switchroom/first-boot
touch /var/lib/switchroom/first-boot/due
restorecon -R /etc/switchroom /var/lib/switchroom
systemctl enable switchroom-first-boot.service switchroom-issue.service
