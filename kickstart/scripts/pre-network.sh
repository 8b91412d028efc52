# shellcheck shell=bash
# Write a network line for every wired interface of this machine to $NETWORK_INCLUDE. An interface without one stays down on
# the installed system for good, and "--device=link" means one that has a cable now.
NET=/sys/class/net

wired_interfaces() {
  local folder
  for folder in "$NET"/*; do
    if is_wired "$folder"; then echo "${folder##*/}"; fi
  done
}

# Physical, Ethernet, not a radio, and not part of what the boot line built (bond, bridge, VLAN).
is_wired() { # FOLDER of an interface
  [[ ${1##*/} =~ ^[A-Za-z0-9_.-]+$ ]] && [ -e "$1/device" ] && [ "$(cat "$1/type")" = 1 ] &&
    ! grep -q '^DEVTYPE=.' "$1/uevent" && [ ! -e "$1/wireless" ] && [ ! -e "$1/phy80211" ] &&
    [ ! -e "$1/master" ] && ! compgen -G "$1/upper_*" >/dev/null
}

# "0" is without a cable; the kernel tells nothing of an interface that is not up yet.
carrier() { cat "$NET/$1/carrier" 2>/dev/null || true; }

# Print the interfaces that the boot line's ip= configures: name, or "any" for an address or iBFT without a name. A method
# alone ("ip=dhcp") is what our own line says.
configured_interfaces() {
  awk '{ for (i = 1; i <= NF; i++) if (sub(/^ip=/, "", $i)) {
    gsub(/\[[^]]*\]/, "address", $i)
    fields = split($i, part, ":")
    if (fields == 1) name = part[1] == "ibft" ? "any" : ""
    else if (part[2] ~ /^(dhcp|dhcp4|dhcp6|on|any|auto6|either6|link6|link-local|single-dhcp|ibft|off|none)$/) name = part[1]
    else name = part[6] == "" ? "any" : part[6]
    if (name != "") print name
  } }' "$CMDLINE"
}

# Anaconda keeps what the boot line made of an interface, and brings it up at every start.
is_configured() { # INTERFACE CARRIER
  local name
  for name in $(configured_interfaces); do
    if [ "$name" = "$1" ] || { [ "$name" = any ] && [ "$2" != 0 ]; }; then return 0; fi
  done
  return 1
}

for interface in $(wired_interfaces); do
  carrier=$(carrier "$interface")
  if is_configured "$interface" "$carrier"; then
    echo "# $interface is as the boot line says."
  elif [ "$carrier" = 0 ]; then
    echo "network --bootproto=dhcp --device=$interface --onboot=yes --no-activate"
  else
    echo "network --bootproto=dhcp --device=$interface --onboot=yes --activate"
  fi
done >"$NETWORK_INCLUDE"
echo "Interfaces:"
cat "$NETWORK_INCLUDE"
