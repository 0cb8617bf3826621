const express = require("express");
const app = express();
app.get("/", (req, res) => res.send("hello from express"));
app.get("/proto", (req, res) => res.send(req.get("x-forwarded-proto") + " " + req.get("host")));
app.get("/events", (req, res) => {
  res.writeHead(200, { "Content-Type": "text/event-stream" });
  let n = 0;
  const timer = setInterval(() => res.write(`data: ${n++}\n\n`), 200);
  req.on("close", () => clearInterval(timer));
});
app.listen(process.env.PORT);
