<?php
// Read before 'fwconsole start --post', which asks in its own namespace whether root runs it: for the chown of a whole start,
// which --post leaves out. The question is answered with yes, and asterisk it stays.
namespace FreePBX\Console\Command;

function posix_geteuid(): int
{
    return 0;
}
