// Looks at the page as it is drawn: contrast of text (WCAG 2.2, 1.4.3), things wider than the window, controls without a name, targets that
// are too small to touch, repeated ids, headings. Returns a list of sentences.
(() => {
  const found = [];
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext('2d', { willReadFrequently: true }), known = new Map();
  const rgba = colour => {
    if (!known.has(colour)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = '#000';
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
      const d = pen.getImageData(0, 0, 1, 1).data;
      known.set(colour, [d[0], d[1], d[2], d[3] / 255]);
    }
    return known.get(colour);
  };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const light = c => { const f = c.slice(0, 3).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
  const ratio = (a, b) => { const x = light(a), y = light(b); return (Math.max(x, y) + .05) / (Math.min(x, y) + .05); };
  const visible = e => {
    if (!e.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true })) return false;
    const r = e.getBoundingClientRect();
    if (!r.width || !r.height) return false;
    for (let n = e; n instanceof Element; n = n.parentElement) if (getComputedStyle(n).clipPath !== 'none') return false;
    return true;
  };
  const ground = e => {
    const layers = [];
    for (let n = e; n; n = n.parentElement) {
      const s = getComputedStyle(n);
      if (s.backgroundImage.includes('gradient')) return null;
      const c = rgba(s.backgroundColor);
      if (c[3] > 0) layers.push(c);
      if (c[3] >= .99) break;
    }
    let b = [255, 255, 255, 1];
    while (layers.length) b = over(layers.pop(), b);
    return b;
  };
  const seen = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.data.trim(), e = walk.currentNode.parentElement;
    if (!text || !e || e.closest('script,style,template,dialog:not([open]),noscript,:disabled') || !visible(e)) continue;
    const s = getComputedStyle(e), b = ground(e);
    if (!b) continue;
    let f = rgba(s.color), see = 1;
    for (let n = e; n; n = n.parentElement) see *= +getComputedStyle(n).opacity;
    f = over([f[0], f[1], f[2], f[3] * see], b);
    const size = parseFloat(s.fontSize), big = size >= 24 || size >= 18.66 && +s.fontWeight >= 700, r = ratio(f, b);
    const key = e.className + r.toFixed(2);
    if (r < (big ? 3 : 4.5) - .01 && !seen.has(key)) { seen.add(key); found.push(`contrast ${r.toFixed(2)} of "${text.slice(0, 40)}" in <${e.tagName.toLowerCase()} class="${e.getAttribute('class') || ''}">`); }
  }
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width + 1) {
    found.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${width}`);
    for (const e of document.querySelectorAll('body *')) {
      if (found.length > 20 || !visible(e) || e.closest('.side') || e.getBoundingClientRect().right <= width + 1) continue;
      let inside = false;
      for (let p = e.parentElement; p && p !== document.body && !inside; p = p.parentElement) inside = getComputedStyle(p).overflowX !== 'visible' && p.getBoundingClientRect().right <= width + 1;
      if (!inside) found.push(`too wide: <${e.tagName.toLowerCase()} class="${e.getAttribute('class') || ''}">`);
    }
  }
  for (const e of document.querySelectorAll('button,a[href],input,select,textarea,summary')) {
    if (!visible(e)) continue;
    const name = (e.getAttribute('aria-label') || e.innerText || e.labels?.[0]?.innerText || (e.getAttribute('aria-labelledby') && 'x') || '').trim();
    if (!name) found.push(`no name: ${e.outerHTML.slice(0, 110)}`);
    const r = e.getBoundingClientRect();
    if (matchMedia('(pointer: coarse)').matches && (r.height < 24 || r.width < 24) && getComputedStyle(e).display !== 'inline' && !e.closest('label') && !e.matches('[type=checkbox],.link')) {
      found.push(`${Math.round(r.width)} × ${Math.round(r.height)} is small for a finger: ${e.outerHTML.slice(0, 90)}`);
    }
  }
  const heads = [...(document.querySelector('dialog[open]') || document).querySelectorAll('h1,h2,h3,h4')].filter(e => e.checkVisibility()).map(e => +e.tagName[1]);
  if (!document.querySelector('dialog[open]') && heads.filter(h => h === 1).length !== 1) found.push(`${heads.filter(h => h === 1).length} first headings`);
  if (heads.some((h, i) => i && h - heads[i - 1] > 1)) found.push('a heading level is left out');
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  ids.filter((x, i) => ids.indexOf(x) !== i).forEach(x => found.push(`the id ${x} is used twice`));
  return found;
})()
