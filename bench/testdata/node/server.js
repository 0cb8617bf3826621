const http = require("node:http");

const line = "change 0";

const server = http.createServer((request, response) => response.end(line + "\n"));
server.listen(process.env.PORT, "0.0.0.0");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
