# shellcheck shell=bash
# Shared by every script of the kickstart; the lines above it in the kickstart set its constants.

# Print the last value of a boot option (empty if it is not there).
boot_option() {
  awk -v name="$1=" '{ for (i = 1; i <= NF; i++) if (index($i, name) == 1) value = substr($i, length(name) + 1) }
    END { print value }' "$CMDLINE"
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
