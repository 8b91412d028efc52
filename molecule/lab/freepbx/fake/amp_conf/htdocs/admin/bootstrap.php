<?php
// A FAKE: as much of FreePBX's classes as automation touches. Clients of the API as in
// https://github.com/FreePBX/api (Includes/Applications.php).

class FreePBX
{
    public static function Database(): PDO
    {
        global $amp_conf;
        $where = "mysql:host={$amp_conf['AMPDBHOST']};dbname={$amp_conf['AMPDBNAME']}";
        $mode = [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION];
        return new PDO($where, $amp_conf['AMPDBUSER'], $amp_conf['AMPDBPASS'], $mode);
    }

    public static function Api(): object
    {
        return (object) ['applications' => new Applications(self::Database())];
    }
}

class Applications
{
    private $db;

    public function __construct(PDO $db)
    {
        $this->db = $db;
    }

    public function add($owner, $type, $name, $description, $website = null, $redirect = null, $scopes = null): array
    {
        $id = bin2hex(random_bytes(32));
        $secret = bin2hex(random_bytes(16));
        $columns = 'owner, name, description, grant_type, client_id, client_secret, algo, allowed_scopes';
        $put = $this->db->prepare("INSERT INTO api_applications ($columns) VALUES (?, ?, ?, ?, ?, ?, 'sha256', ?)");
        $put->execute([$owner, $name, $description, $type, $id, hash('sha256', $secret), $scopes]);
        return ['client_id' => $id, 'client_secret' => $secret, 'allowed_scopes' => $scopes];
    }

    public function getAllByOwnerId($owner): array
    {
        $get = $this->db->prepare('SELECT * FROM api_applications WHERE owner <=> ?');
        $get->execute([$owner]);
        return $get->fetchAll(PDO::FETCH_ASSOC);
    }

    public function authenticate($id, $secret): bool
    {
        $get = $this->db->prepare('SELECT client_secret FROM api_applications WHERE client_id = ?');
        $get->execute([$id]);
        return hash_equals((string) $get->fetchColumn(), hash('sha256', $secret));
    }

    public function remove($owner, $id): bool
    {
        $this->db->prepare('DELETE FROM api_applications WHERE owner <=> ? AND client_id = ?')->execute([$owner, $id]);
        return true;
    }
}
