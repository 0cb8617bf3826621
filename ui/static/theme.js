// Runs before the first paint, so that no page flashes in the other theme. The system decides until somebody chooses.
(() => {
  const root = document.documentElement;
  root.classList.add('js');
  try {
    const theme = localStorage.getItem('theme');
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  } catch { /* storage may be off: the system's theme is fine */ }
})();
