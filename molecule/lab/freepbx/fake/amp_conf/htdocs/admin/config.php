<?php
// A FAKE of the first page: what it shows is read from the database by the web server's PHP.
require '/etc/freepbx.conf';

session_start();

$db = FreePBX::Database();
$version = $db->query("SELECT value FROM admin WHERE variable = 'version'")->fetchColumn();
$ident = $db->query("SELECT value FROM freepbx_settings WHERE keyword = 'FREEPBX_SYSTEM_IDENT'")->fetchColumn();
$admins = $db->query('SELECT COUNT(*) FROM ampusers')->fetchColumn();
?>
<!DOCTYPE html>
<html><head><title>FAKE FreePBX for the lab</title></head><body>
<p>Version <?= htmlspecialchars($version) ?> on PHP <?= PHP_VERSION ?> as <?= posix_getpwuid(posix_geteuid())['name'] ?></p>
<p>System <?= htmlspecialchars($ident) ?></p>
<p><?= $admins ? 'Please log in' : 'Create the first administrator' ?></p>
</body></html>
