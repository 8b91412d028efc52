# shellcheck shell=bash
# Inside the new system: dial tone does not hang on what a running PBX can do without. A file system of /etc/fstab that
# does not come, an EFI system partition damaged by a power cut for one, ends in an emergency shell else; so does one
# that takes longer than systemd's 90 s, on a very slow machine.
fstab=$(awk '
  !/^[[:space:]]*#/ && NF >= 4 {
    if ($2 ~ /^\/boot(\/|$)/ || $3 == "swap") $4 = $4 ",nofail"
    else if ($2 != "/") $4 = $4 ",x-systemd.device-timeout=10min"
  }
  { print }' /etc/fstab)
printf '%s\n' "$fstab" >/etc/fstab
