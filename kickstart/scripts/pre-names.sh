# shellcheck shell=bash
# Names that are taken: of volume groups and RAID arrays on disks that stay as they are. Anaconda looks at every disk before
# it hides those it is to ignore, and takes no name twice.

# Print NAME, UUID and DEVICE of every physical volume in a volume group, those of other machines too. What cannot be read
# is no volume group for Anaconda either.
physical_volumes() {
  lvm pvs --readonly --foreign --shared --devicesfile '' --noheadings --options vg_name,vg_uuid,pv_name |
    awk 'NF == 3 { print $1, $2, $3 }'
}

# Print the physical volumes of groups that share their name with another group: Anaconda ends when it meets the second.
doubled_groups() {
  awk '{ lines[NR] = $0; names[NR] = $1; if (!seen[$1, $2]++) groups[$1]++ }
    END { for (i = 1; i <= NR; i++) if (groups[names[i]] > 1) print lines[i] }' <<<"$VOLUMES"
}

# Print the names that disks other than the given ones hold, in part or whole. A device that is missing is on another.
taken_names() { # DISK...
  local name device disk disks
  while read -r name _ device; do
    [ -n "$name" ] || continue
    disks=$(disks_below "$device" 2>/dev/null)
    for disk in ${disks:-missing}; do
      is_among "$disk" "$@" || echo "$name"
    done
  done <<<"$VOLUMES"
  for disk in $DISKS; do
    is_among "$disk" "$@" && continue
    # The label of a member is the array's name, behind that of the machine that made it.
    lsblk --noheadings --list --output FSTYPE,LABEL "/dev/$disk" | awk '$1 == "linux_raid_member" { sub(/.*:/, "", $2); print $2 }'
  done
}

# Print the number that makes all our names free when it stands behind them: none, or one from 2.
free_number() { # DISK...
  local taken number name
  taken=$(taken_names "$@")
  for number in "" {2..99}; do
    for name in $VOLUME_GROUP $ARRAYS; do
      ! grep -qxF -- "$name$number" <<<"$taken" || continue 2
    done
    echo "$number"
    return
  done
  return 1
}
