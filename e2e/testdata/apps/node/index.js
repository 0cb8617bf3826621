const http = require("http");
const open = new Set();
http.createServer((req, res) => {
  if (req.url === "/events") {
    res.writeHead(200, { "Content-Type": "text/event-stream" });
    const timer = setInterval(() => res.write(`data: ${process.env.CLOUDSANIA_VERSION}\n\n`), 200);
    open.add(res);
    req.on("close", () => { clearInterval(timer); open.delete(res); });
    return;
  }
  if (req.url === "/env") return res.end(process.env.GREETING || "unset");
  res.end("hello from plain node, line one\n");
}).listen(process.env.PORT, "0.0.0.0");
