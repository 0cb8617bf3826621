import { createRoot } from "react-dom/client";

createRoot(document.getElementById("root")).render(<h1>hello from react {import.meta.env.VITE_GREETING}</h1>);
