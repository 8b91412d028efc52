<?php
// Has one OAuth2 client of FreePBX for programs, and its secret in a file that only root may read.
// Arguments: the file, the scopes, and "keep" or "look" (change nothing). The last line is "kept" or "changed".
// A client whose secret was lost, between the two steps of a run that broke off for example, is removed.
const NAME = 'Switchroom';

$bootstrap_settings['freepbx_auth'] = false;
$restrict_mods = true;
require '/etc/freepbx.conf';

[, $file, $scopes, $task] = $argv;
$clients = FreePBX::Api()->applications;
$kept = is_file($file) ? json_decode(file_get_contents($file), true) : null;
if ($kept && $clients->authenticate($kept['client_id'], $kept['client_secret'])) {
    exit("kept\n");
}
if ($task === 'look') {
    exit("changed\n");
}
foreach ($clients->getAllByOwnerId(null) as $old) {
    if ($old['name'] === NAME) {
        $clients->remove(null, $old['client_id']);
    }
}
$made = $clients->add(null, 'client_credentials', NAME, 'For automation; its secret is in ' . $file, '', '', $scopes);
keep($file, [
    'grant_type' => 'client_credentials',
    'token_path' => '/admin/api/api/token',
    'client_id' => $made['client_id'],
    'client_secret' => $made['client_secret'],
    'scope' => $scopes,
]);
echo "changed\n";

function keep(string $file, array $what): void
{
    umask(0077);
    $stream = fopen("$file.new", 'w');
    $text = json_encode($what, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES) . "\n";
    if (!$stream || fwrite($stream, $text) !== strlen($text) || !fflush($stream) || !rename("$file.new", $file)) {
        fwrite(STDERR, "The client's secret cannot be kept in '$file'.\n");
        exit(1);
    }
}
