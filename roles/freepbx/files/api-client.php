<?php
// Asks FreePBX, as asterisk, for one OAuth2 client for programs. What is asked is in $asked: the client that was kept (id and
// secret), the file it is kept in, the scopes, and whether to look only. The last line is a JSON object: whether there is, or
// would be, a new client, and the new one. A client whose secret was lost is removed.
const NAME = 'Switchroom';

$bootstrap_settings['freepbx_auth'] = false;
$restrict_mods = true;
require '/etc/freepbx.conf';

$clients = FreePBX::Api()->applications;
if ($asked['id'] && $clients->authenticate($asked['id'], $asked['secret'])) {
    exit('{"changed": false}' . "\n");
}
if ($asked['look']) {
    exit('{"changed": true}' . "\n");
}
foreach ($clients->getAllByOwnerId(null) as $old) {
    if ($old['name'] === NAME) {
        $clients->remove(null, $old['client_id']);
    }
}
$why = 'For automation; its secret is in ' . $asked['file'];
$made = $clients->add(null, 'client_credentials', NAME, $why, '', '', $asked['scopes']);
$new = ['client_id' => $made['client_id'], 'client_secret' => $made['client_secret']];
echo json_encode(['changed' => true] + $new), "\n";
