# shellcheck shell=bash
# Where a disk image is made: who waits is the program that makes it, and the machine's consoles are not ours.

announce() { cat; }

stop_here() {
  cat
  exit 1
}
