SELECT JSON_OBJECT(
  'version', VERSION(),
  'root', (SELECT COUNT(*) FROM mysql.global_priv
    WHERE User = 'root' AND Host = 'localhost' AND JSON_VALUE(Priv, '$.plugin') = 'unix_socket'),
  'open', (SELECT COUNT(*) FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost'))
    + (SELECT COUNT(*) FROM mysql.db WHERE User = ''),
  'trial', (SELECT COUNT(*) FROM information_schema.SCHEMATA
    WHERE SCHEMA_NAME = 'test' AND NOT EXISTS (SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'test')),
  'network', IF(@@skip_networking, 0, 1),
  'address', IFNULL(@@bind_address, '')
);
