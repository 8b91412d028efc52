"""A FAKE FreePBX in a tarball for lab boxes: FreePBX itself cannot be fetched where the lab is."""
