<?php
$page = $_GET['page'] ?? 'home';
header('Content-Type: text/plain');
echo "hello from php, page $page";
if (isset($_SERVER['HTTPS'])) { echo ", https ", $_SERVER['HTTPS']; }
