// The example app of `cloudsania demo`: Node without dependencies. Change a line, deploy again, and watch it swap.
const http = require("node:http");

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>It works</title>
<style>
  body { font: 18px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 18vh auto 0; padding: 0 1.5rem; color: #1c1c1a; background: #fdfcf9 }
  h1 { font-size: 2.2rem; letter-spacing: -0.02em; margin-bottom: 0.3em }
  code { background: #f1efe9; padding: 0.1em 0.35em; border-radius: 5px }
  @media (prefers-color-scheme: dark) { body { color: #eceae4; background: #14171c } code { background: #252a32 } }
</style>
<h1>It works.</h1>
<p>This is <b>${process.env.CLOUDSANIA_APP || "hello"}</b>, version <b>${process.env.CLOUDSANIA_VERSION || "local"}</b>, on your own server.</p>
<p>Its code is one file, <code>server.js</code>. Push a change and this page is replaced without losing a request.</p>
</html>
`;

const server = http.createServer((request, response) => {
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  response.end(page);
});
server.listen(process.env.PORT || 3000, "0.0.0.0");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
