# shellcheck shell=bash
# Decide which disks take the system, and write the storage commands to $DISK_INCLUDE. Never guesses.

column() { # NAME COLUMN: one property of one disk; device names need no escaping, and no other text is parsed
  lsblk --nodeps --noheadings --bytes --output "$2" "/dev/$1" | sed 's/^ *//; s/ *$//'
}

# The disks, less what Anaconda counts as none either: it ends when one of those is named to it.
all_disks() {
  lsblk --nodeps --noheadings --raw --output NAME,TYPE |
    awk '$2 == "disk" && $1 !~ /^(zram|ram|nbd|ndblk|fd|mtd)/ && $1 !~ /^mmcblk.+(boot|rpmb)/ && $1 !~ /^pmem[0-9]+$/ { print $1 }'
}

disks_below() { # DEVICE
  lsblk --inverse --noheadings --raw --output NAME,TYPE "$1" | awk '$2 == "disk" { print $1 }'
}

is_among() { # WORD WORD...
  local word=$1 other
  shift
  for other; do
    [ "$other" != "$word" ] || return 0
  done
  return 1
}

size_mib() { echo $(($(column "$1" SIZE) / 1048576)); }

# What the boot line says the medium or the kickstart is on: LABEL=, UUID= or a device, a line each.
medium_places() {
  local option
  for option in inst.stage2 inst.repo inst.ks; do
    boot_option "$option" | sed -n 's/^\(hd:\)\{0,1\}\(LABEL=[^:]*\).*/\2/p; t; s/^hd:\([^:]*\).*/\1/p'
  done
}

# Volume ids of the medium: the one this kickstart was made for, and those the boot line names.
medium_labels() {
  local label
  printf '%s\n' "$VOLUME_ID"
  medium_places | sed -n 's/^LABEL=//p' | while IFS= read -r label; do printf '%b\n' "$label"; done
}

# Print the disks below the file systems the installer itself runs from, those below devices that the boot line names, and
# those that carry a label or UUID of the medium.
medium_disks() {
  local folder source disk labels uuids
  for folder in /run/install/repo /run/install/isodir /run/install/source /run/initramfs/live; do
    source=$(findmnt --noheadings --output SOURCE --mountpoint "$folder") || continue
    disks_below "${source%%\[*}"
  done
  medium_places | grep -v = | while IFS= read -r source; do
    disks_below "/dev/${source#/dev/}" 2>/dev/null
  done
  labels=$(medium_labels)
  uuids=$(medium_places | sed -n 's/^UUID=//p')
  for disk in $DISKS; do
    if carries "$disk" LABEL "$labels" || { [ -n "$uuids" ] && carries "$disk" UUID "$uuids"; }; then echo "$disk"; fi
  done
}

carries() { # DISK COLUMN VALUES: one of them, on the disk or a part of it
  lsblk --noheadings --list --output "$2" "/dev/$1" | sed 's/ *$//' | grep -v '^$' | grep -qxF -- "$3"
}

is_boot_medium() { # DISK
  grep -qxF -- "$1" <<<"$MEDIUM"
}

# Print why a disk cannot take the system; print nothing when it can.
objection() {
  if is_boot_medium "$1"; then
    echo "the boot medium"
  elif [ "$(column "$1" TRAN)" = usb ] || [ "$(column "$1" RM)" = 1 ]; then
    echo "removable"
  elif [ "$(column "$1" RO)" = 1 ]; then
    echo "read-only"
  elif column "$1" FSTYPE | grep -vx linux_raid_member | grep -qE '^(mpath|.+_raid)_member$'; then
    echo "one of several paths, or of a firmware's RAID"
  elif [ "$(size_mib "$1")" -lt "$DISK_MINIMUM" ]; then
    echo "too small, $DISK_MINIMUM MiB are needed"
  fi
}

describe() {
  local reason
  reason=$(objection "$1")
  printf '  %s: %s MiB, %s %s, serial %s: %s\n' "$1" "$(size_mib "$1")" "$(column "$1" TRAN)" \
    "$(column "$1" MODEL)" "$(column "$1" SERIAL)" "${reason:-usable}"
}

# Print the disks that the boot line's choice means: a name, a path below /dev, or a serial number.
named_disks() {
  local wanted=$1
  case $wanted in
    /dev/*) wanted=$(readlink -f "$wanted") ;;
  esac
  for disk in $DISKS; do
    if [ "$disk" = "${wanted#/dev/}" ] || [ "$(column "$disk" SERIAL)" = "$wanted" ]; then echo "$disk"; fi
  done
}

usable_disks() {
  for disk in $DISKS; do
    if [ -z "$(objection "$disk")" ]; then echo "$disk"; fi
  done
}

smallest() { # DISK...
  local disk size least=""
  for disk; do
    size=$(size_mib "$disk")
    if [ -z "$least" ] || [ "$size" -lt "$least" ]; then least=$size; fi
  done
  echo "$least"
}

with_commas() {
  local IFS=,
  echo "$*"
}

# Hide from Anaconda all other disks but the medium, which it installs from: its own protection keeps it from being written.
ignore_others() { # DISK...
  local disk others=""
  for disk in $DISKS; do
    if ! is_among "$disk" "$@" && ! is_boot_medium "$disk"; then others="$others $disk"; fi
  done
  # shellcheck disable=SC2086  # a list of device names
  [ -z "$others" ] || echo "ignoredisk --drives=$(with_commas $others)"
}

storage_commands() { # DISK...
  local all ignored number parts volumes
  all=$(with_commas "$@")
  ignored=$(ignore_others "$@")
  number=$(free_number "$@")
  if [ $# -eq 1 ]; then parts=$(partitions "$1"); else parts=$(mirrored_partitions "$number" "$@"); fi
  volumes=$(logical_volumes "$(smallest "$@")" "$VOLUME_GROUP$number")
  cat <<COMMANDS
zerombr
$ignored
clearpart --all --initlabel --disklabel=gpt --drives=$all
bootloader --location=mbr --boot-drive=$1
$parts
volgroup $VOLUME_GROUP$number pv.switchroom
$volumes
COMMANDS
}

refusal() {
  cat <<MESSAGE
SWITCHROOM CHOOSES NO DISK: $1
Disks found:
$(for disk in $DISKS; do describe "$disk"; done)
Nothing was written. $2
MESSAGE
}

cannot_decide() { # WHY
  if [ "$MODE" = interactive ]; then
    # Of disks that are not ignored Anaconda preselects all, and would spread the system over them. Ignored ones are not
    # preselected, and a person can still choose them.
    { echo "# No disk chosen: $1" && ignore_others; } >"$DISK_INCLUDE"
    refusal "$1" "Choose the disk in the installer." | announce
    return
  fi
  refusal "$1" "Restart, edit the menu entry (e, or Tab under BIOS) and name a usable disk:
  switchroom.disk=NAME, switchroom.disk=/dev/disk/by-id/... or switchroom.disk=SERIAL
  (with commas between them where the layout takes several)" | stop_here
}

use() { # DISK...
  if [ "$MODE" = interactive ]; then
    # Without partitioning commands Anaconda waits for a person; with them it would start by itself.
    ignore_others "$@" >"$DISK_INCLUDE"
    [ $# -eq 1 ] || announce <<<"SWITCHROOM: $# disks are preselected. To mirror them, choose Custom in the installer's dialog of disks."
  else
    storage_commands "$@" >"$DISK_INCLUDE"
  fi
  echo "For the system, as '$LAYOUT':"
  for disk; do describe "$disk"; done
}

count() { echo $#; }

use_named() { # CHOICE[,CHOICE...]
  local choice disk reason chosen=""
  for choice in ${1//,/ }; do
    disk=$(named_disks "$choice")
    # shellcheck disable=SC2086  # a list of device names
    if [ "$(count $disk)" -ne 1 ]; then
      cannot_decide "switchroom.disk=$choice is none of this machine's disks, or more than one."
      return
    fi
    reason=$(objection "$disk")
    [ -n "$reason" ] || ! grep -qwF -- "$disk" <<<"$chosen" || reason="named twice"
    if [ -n "$reason" ]; then
      cannot_decide "switchroom.disk=$choice is $reason."
      return
    fi
    chosen="$chosen $disk"
  done
  use_if_enough "$chosen" "switchroom.disk=$1 names"
}

use_if_enough() { # DISKS, of which there must be as many as the layout takes; WHO gave them
  local number
  # shellcheck disable=SC2086  # a list of device names
  number=$(count $1)
  if [ "$number" -eq "$WANTED" ]; then
    # shellcheck disable=SC2086  # a list of device names
    use $1
  else
    cannot_decide "$2 $number, and the layout '$LAYOUT' takes $WANTED."
  fi
}

use_the_only_ones() {
  local disks
  disks=$(usable_disks)
  # shellcheck disable=SC2086  # a list of device names
  if [ -z "$disks" ]; then
    cannot_decide "none can take the system."
  elif [ "$WANTED" -eq 1 ] && [ "$(count $disks)" -gt 1 ]; then
    cannot_decide "several could take the system."
  else
    use_if_enough "$disks" "the number of disks that could take the system is"
  fi
}

tell_of_doubled_groups() {
  local doubled
  doubled=$(doubled_groups)
  [ -n "$doubled" ] || return 0
  if [ "$MODE" = interactive ]; then announce; else stop_here; fi <<MESSAGE
SWITCHROOM: volume groups of this machine share their name (name, UUID, device):
$doubled
The installer cannot go on so. Nothing was written. On the second screen (Alt+F2) give one another name, then restart:
  lvm vgrename UUID NAME
MESSAGE
}

DISKS=$(all_disks)
MEDIUM=$(medium_disks)
VOLUMES=$(physical_volumes)
tell_of_doubled_groups
LAYOUT=$(boot_option switchroom.layout)
LAYOUT=${LAYOUT:-$LAYOUT_DEFAULT}
choice=$(boot_option switchroom.disk)
if ! WANTED=$(disks_of_layout "$LAYOUT"); then
  cannot_decide "switchroom.layout=$LAYOUT is none of: $LAYOUTS."
elif [ -n "$choice" ]; then
  use_named "$choice"
else
  use_the_only_ones
fi
