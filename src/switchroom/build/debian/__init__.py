"""Sources from a Debian suite, for hosts that reach Debian's archive but not Asterisk's own."""
