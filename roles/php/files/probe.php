<?php
// Prints the version of this PHP, and of the one behind the FastCGI socket given, with its user.

function record(int $type, string $content): string
{
    return pack('CCnnCC', 1, $type, 1, strlen($content), 0, 0) . $content;
}

function parameters(array $pairs): string
{
    $text = '';
    foreach ($pairs as $name => $value) {
        $text .= pack('NN', strlen($name) | 0x80000000, strlen($value) | 0x80000000) . $name . $value;
    }
    return $text;
}

function answer(string $socket, string $script): string
{
    $stream = stream_socket_client("unix://$socket", $code, $error, 10);
    if ($stream === false) {
        fwrite(STDERR, "$socket: $error\n");
        exit(1);
    }
    stream_set_timeout($stream, 20);
    $request = parameters(['SCRIPT_FILENAME' => $script, 'REQUEST_METHOD' => 'GET']);
    fwrite($stream, record(1, pack('nCx5', 1, 0)) . record(4, $request) . record(4, '') . record(5, ''));
    $said = '';
    while (strlen($head = (string) stream_get_contents($stream, 8)) === 8) {
        $part = unpack('Cversion/Ctype/nid/nlength/Cpadding', $head);
        $content = (string) stream_get_contents($stream, $part['length']);
        stream_get_contents($stream, $part['padding']);
        if ($part['type'] === 3) {
            break;
        }
        $said .= $part['type'] === 6 ? $content : '';
    }
    return $said;
}

// A folder that the service sees whatever it has of its own; the file is there for this one request.
$socket = $argv[1];
$script = dirname($socket) . '/probe-' . bin2hex(random_bytes(8)) . '.php';
file_put_contents($script, '<?php echo "[" . PHP_VERSION . " " . (posix_getpwuid(posix_geteuid())["name"] ?? "") . "]";');
chmod($script, 0644);
register_shutdown_function(static fn () => unlink($script));
preg_match('/\[(\S+) (\S*)\]/', answer($socket, $script), $found);
echo json_encode(['cli' => PHP_VERSION, 'fpm' => $found[1] ?? '', 'user' => $found[2] ?? '']), "\n";
