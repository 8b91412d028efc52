DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');
DELETE FROM mysql.db WHERE User = '';
FLUSH PRIVILEGES;
ALTER USER root@localhost IDENTIFIED VIA unix_socket;
