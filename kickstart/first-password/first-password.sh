#!/bin/bash
# Ask for root's first password on this console; until it is set, nobody can log in. Argument: the terminal.
set -eu
mark=/etc/switchroom/first-password

if [ "$1" != tty1 ] && ! grep -qw "$1" /sys/class/tty/console/active; then
  exit 0
fi

echo
echo "This system has no password yet. Set the password of root to be able to log in."
until passwd root; do
  echo "The password was not changed. Try again."
done
rm -f "$mark"

for terminal in tty1 ttyS0; do
  [ "$terminal" = "$1" ] || systemctl stop --no-block "switchroom-first-password@$terminal.service"
done
