# shellcheck shell=bash
# Shared by every script of the kickstart; the lines above it in the kickstart set its constants.

# Print the last value of a boot option (empty if it is not there).
boot_option() {
  awk -v name="$1=" '{ for (i = 1; i <= NF; i++) if (index($i, name) == 1) value = substr($i, length(name) + 1) }
    END { print value }' "$CMDLINE"
}

# Show the text of standard input on every console of the machine, and in the log.
announce() {
  local text console
  text=$(cat)
  printf '\n%s\n\n' "$text"
  # shellcheck disable=SC2013  # one line of several words
  for console in $(cat /sys/class/tty/console/active 2>/dev/null); do
    { printf '\n%s\n\n' "$text" | sed 's/$/\r/' >"/dev/$console"; } 2>/dev/null || true
  done
}

# Show why the installation stops, again and again, and never return. An exit would make Anaconda restart the
# machine: the reason would be gone from the screen, and the same boot entry would start all over again.
stop_here() {
  local text
  text=$(cat)
  while :; do
    printf '%s\n' "$text" | announce
    sleep 30
  done
}

# Print the package of the chosen Asterisk series, or return 1 when the media does not hold that series.
asterisk_package() {
  local offer
  for offer in $ASTERISK_OFFERS; do
    [ "${offer%%=*}" = "$1" ] && printf '%s\n' "${offer#*=}" && return 0
  done
  return 1
}

# Print the chosen Asterisk series: that of the boot line, else the default.
asterisk_series() {
  local series
  series=$(boot_option switchroom.asterisk)
  printf '%s\n' "${series:-$ASTERISK_DEFAULT}"
}

trap 'echo "SWITCHROOM STOPS: the installation script failed at its line $LINENO." | stop_here' ERR
