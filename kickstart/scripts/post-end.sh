# shellcheck shell=bash
# Outside the new system: take the medium away from it and keep the logs of what ran before it existed.
system=${ANA_INSTALL_PATH:-/mnt/sysroot}
umount "$system$MEDIA"
rmdir "$system$MEDIA"
cp /tmp/switchroom-*.log "$system/var/log/"
