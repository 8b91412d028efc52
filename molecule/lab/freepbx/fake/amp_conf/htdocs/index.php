<?php
header('Location: admin/config.php');
