<?php
// A FAKE of the token endpoint: client credentials only.
require '/etc/freepbx.conf';

header('Content-Type: application/json');
$known = ($_POST['grant_type'] ?? '') === 'client_credentials'
    && FreePBX::Api()->applications->authenticate($_POST['client_id'] ?? '', $_POST['client_secret'] ?? '');
if (!$known) {
    http_response_code(401);
    exit(json_encode(['error' => 'invalid_client']));
}
echo json_encode(['token_type' => 'Bearer', 'expires_in' => 3600, 'access_token' => bin2hex(random_bytes(20))]);
