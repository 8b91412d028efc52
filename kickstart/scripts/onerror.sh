# shellcheck shell=bash
# Anaconda has failed and runs this before it gives up. Left alone it waits three minutes and restarts the machine, into the
# same entry of the same boot menu, for ever. So the reason is shown, and the machine stays.
LOGS=/tmp

# The last faults of a log; Anaconda marks them ERR and CRT.
faults() { # LOG
  grep -hE '(^|[ ,:])(ERR|CRT|ERROR|CRITICAL)[ :]' "$LOGS/$1.log" 2>/dev/null | tail -n 3 || true
}

stop_here <<MESSAGE
SWITCHROOM STOPS: the installer failed. Its last words:
$({ faults storage && faults packaging && tail -n 8 "$LOGS/anaconda.log" 2>/dev/null; } | cut -c 1-150 || true)
The machine stays as it is until it is restarted; the same entry would end here again. Logs: $LOGS/anaconda.log,
storage.log, packaging.log, program.log, on the second screen (Alt+F2; on a serial console Ctrl+B, then 2).
MESSAGE
