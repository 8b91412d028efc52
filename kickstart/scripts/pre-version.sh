# shellcheck shell=bash
# Refuse an Asterisk version that is not on the media before anything is changed.
series=$(asterisk_series)
if ! asterisk_package "$series" >/dev/null; then
  stop_here <<MESSAGE
SWITCHROOM STOPS: this medium holds no Asterisk '$series'.
On it are: $(printf '%s' "$ASTERISK_OFFERS" | sed 's/=[^ ]*//g; s/ /, /g').
Nothing was written. Restart and choose an entry of the boot menu, or set for example:
  switchroom.asterisk=$ASTERISK_DEFAULT
MESSAGE
fi
echo "Asterisk series: $series"
