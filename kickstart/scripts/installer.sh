# shellcheck shell=bash
# Where Anaconda runs the scripts and a person may look at a screen, or at none.

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
