# shellcheck shell=bash
# Inside the new system: keep what was installed, and from which image.
mkdir -p /etc/switchroom
manifest=$(sha256sum "$MEDIA/switchroom/manifest.json" | cut -d ' ' -f 1)
cat >/etc/switchroom/install.json <<RECORD
{
  "asterisk": "$series",
  "package": "$package",
  "volume_id": $VOLUME_ID_JSON,
  "manifest_sha256": "$manifest",
  "installed": "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}
RECORD
