package buildpack

import "testing"

func TestAdaptRules(t *testing.T) {
	for _, tt := range []struct{ name, text, want, ini string }{
		{"https", "RewriteCond %{HTTPS} off\n", "RewriteCond %{ENV:EDGE_HTTPS} off\n", ""},
		{"port and scheme", "  rewritecond %{SERVER_PORT} !^443$\nRewriteCond %{REQUEST_SCHEME} =http", "  rewritecond %{ENV:EDGE_SERVER_PORT} !^443$\nRewriteCond %{ENV:EDGE_REQUEST_SCHEME} =http", ""},
		{"elsewhere", "Header set X \"%{HTTPS}e\"\n# RewriteCond %{HTTPS} off\n", "Header set X \"%{HTTPS}e\"\n# RewriteCond %{HTTPS} off\n", ""},
		{"redirect to a path", "RewriteRule ^a$ /b [R=301,L]\nRewriteRule ^c$ /d [NC,R]", "RewriteRule ^a$ %{ENV:EDGE_REQUEST_SCHEME}://%{HTTP_HOST}/b [R=301,L]\nRewriteRule ^c$ %{ENV:EDGE_REQUEST_SCHEME}://%{HTTP_HOST}/d [NC,R]", ""},
		{"rewrite without a redirect", "RewriteRule ^a$ /b [L]\nRewriteRule ^ index.php [QSA,L]\n", "RewriteRule ^a$ /b [L]\nRewriteRule ^ index.php [QSA,L]\n", ""},
		{"redirect elsewhere", "RewriteRule ^a$ https://x.example/b [R=301]\n", "RewriteRule ^a$ https://x.example/b [R=301]\n", ""},
		{"settings", "php_value upload_max_filesize 64M\r\nphp_flag display_errors off\nphp_value date.timezone \"Europe/Paris\"\n",
			"# in .user.ini: php_value upload_max_filesize 64M\r\n# in .user.ini: php_flag display_errors off\n# in .user.ini: php_value date.timezone \"Europe/Paris\"\n",
			"upload_max_filesize = \"64M\"\ndisplay_errors = \"off\"\ndate.timezone = \"Europe/Paris\"\n"},
		{"setting with a quote", "php_value error_prepend_string a\"b\n", "# in .user.ini: php_value error_prepend_string a\"b\n", ""},
	} {
		got, ini := adaptRules(tt.text)
		if got != tt.want || ini != tt.ini {
			t.Errorf("%s:\n%q\n%q, want\n%q\n%q", tt.name, got, ini, tt.want, tt.ini)
		}
	}
}
