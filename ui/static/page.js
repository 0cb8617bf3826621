// What every page does beyond links and forms: theme, menu, copying, dialogs, the palette, filters, local times. Everything here has
// a plain link or form underneath, so a page without scripts still works.
'use strict';
const $ = (s, from = document) => from.querySelector(s);
const $$ = (s, from = document) => [...from.querySelectorAll(s)];
const root = document.documentElement;

// Toasts
function toast(text) {
  const box = $('.toasts'), t = document.createElement('div'), say = document.createElement('span');
  t.className = 'toast';
  say.textContent = text;
  t.append(say);
  box?.append(t);
  setTimeout(() => t.remove(), 7000);
}
$$('.toast').forEach(t => setTimeout(() => t.remove(), 12000));

// Times are written in UTC; readers get their own zone
const format = options => new Intl.DateTimeFormat('en-GB', options);
const formats = {
  clock: format({ hour: '2-digit', minute: '2-digit' }),
  dayclock: format({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }),
  day: format({ day: 'numeric', month: 'long', year: 'numeric' }),
  moment: format({ weekday: 'long', day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit' }),
  exact: format({ hour: '2-digit', minute: '2-digit', second: '2-digit' }),
  full: format({ dateStyle: 'full', timeStyle: 'medium' }),
};
function roughly(seconds) {
  if (seconds < 60) return Math.max(0, Math.floor(seconds)) + ' s';
  if (seconds < 3600) return Math.floor(seconds / 60) + ' min';
  if (seconds < 172800) return Math.floor(seconds / 3600) + ' h';
  return Math.floor(seconds / 86400) + ' d';
}
function localTimes(from) {
  for (const t of $$('time[data-t]', from)) {
    const at = new Date(t.dateTime), kind = t.dataset.t;
    if (isNaN(at)) continue;
    if (kind === 'ago') {
      const seconds = (Date.now() - at) / 1000;
      t.textContent = seconds < 5 ? 'just now' : seconds > 14 * 86400 ? formats.day.format(at) : roughly(seconds) + ' ago';
      t.title = formats.full.format(at);
    } else if (kind === 'clock') {
      t.textContent = (at.toDateString() === new Date().toDateString() ? formats.clock : formats.dayclock).format(at);
    } else {
      t.textContent = formats[kind].format(at).replace(' at ', ', ');
    }
  }
}
localTimes(document);
setInterval(() => localTimes($('.page') || document), 20000);

// Theme
$$('[data-theme-toggle]').forEach(b => b.addEventListener('click', () => {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  try { localStorage.setItem('theme', root.dataset.theme); } catch { /* lasts for this page only */ }
}));

// Drawer on phones
const side = $('#side');
let drawerOpener = null;
function drawer(open) {
  if (!side) return;
  document.body.classList.toggle('nav-open', open);
  if (open) $('a', side).focus();
  else drawerOpener?.focus();
}

// Copying
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // plain HTTP has no clipboard API
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  toast('Copied.');
}

// Dialogs: a link to a confirmation page opens it in place
async function openDialog(href) {
  let html;
  try {
    const answer = await fetch(href, { headers: { 'X-Part': 'body' }, credentials: 'same-origin' });
    if (!answer.ok || answer.redirected) throw answer.status;
    html = await answer.text();
  } catch {
    location.href = href;
    return;
  }
  const d = document.createElement('dialog');
  d.setAttribute('aria-labelledby', 'dlg-h');
  d.innerHTML = html;
  d.addEventListener('close', () => d.remove());
  document.body.append(d);
  localTimes(d);
  d.showModal();
  ($('input:not([type=hidden])', d) || $('[data-close]', d))?.focus();
}

// Palette
let palette = null;
async function openPalette() {
  if (palette?.open) { palette.close(); return; }
  if (!palette) {
    const answer = await fetch('/palette', { headers: { 'X-Part': 'body' }, credentials: 'same-origin' });
    if (!answer.ok) return;
    palette = document.createElement('dialog');
    palette.className = 'palette';
    palette.setAttribute('aria-label', 'Search or jump to');
    palette.innerHTML = await answer.text();
    document.body.append(palette);
    wirePalette(palette);
  }
  palette.showModal();
}
function wirePalette(pal) {
  const input = $('input', pal), all = $$('[role=option]', pal);
  let at = 0;
  const shown = () => all.filter(o => !o.hidden);
  const mark = () => {
    all.forEach(o => o.setAttribute('aria-selected', 'false'));
    const o = shown()[at];
    if (!o) { input.removeAttribute('aria-activedescendant'); return; }
    o.setAttribute('aria-selected', 'true');
    input.setAttribute('aria-activedescendant', o.id);
    o.scrollIntoView({ block: 'nearest' });
  };
  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/);
    all.forEach(o => { o.hidden = !words.every(w => o.textContent.toLowerCase().includes(w)); });
    $$('.grp', pal).forEach(g => {
      let n = g.nextElementSibling, any = false;
      for (; n && !n.matches('.grp'); n = n.nextElementSibling) any ||= !n.hidden;
      g.hidden = !any;
    });
    at = 0;
    mark();
  };
  input.addEventListener('input', filter);
  pal.addEventListener('keydown', ev => {
    const n = shown().length;
    if ((ev.key === 'ArrowDown' || ev.key === 'ArrowUp') && n) {
      ev.preventDefault();
      at = (at + (ev.key === 'ArrowDown' ? 1 : n - 1)) % n;
      mark();
    } else if (ev.key === 'Enter') {
      ev.preventDefault();
      const o = shown()[at];
      if (o) location.href = o.dataset.href;
    }
  });
  all.forEach(o => o.addEventListener('click', () => { location.href = o.dataset.href; }));
  pal.addEventListener('close', () => { input.value = ''; filter(); });
  mark();
}

// One listener for clicks, so that parts which are replaced later work too
document.addEventListener('click', ev => {
  const near = s => ev.target.closest?.(s);
  let el;
  if ((el = near('[data-dismiss]'))) el.parentElement.remove();
  if ((el = near('[data-copy]'))) copy(el.dataset.copy);
  if ((el = near('[data-copy-from]'))) copy($('#' + el.dataset.copyFrom).textContent);
  if ((el = near('a[data-dialog]')) && !ev.ctrlKey && !ev.metaKey && !ev.shiftKey) { ev.preventDefault(); openDialog(el.href); }
  if ((el = near('[data-close]')) && el.closest('dialog')) { ev.preventDefault(); el.closest('dialog').close(); }
  if (near('[data-palette]')) openPalette();
  if ((el = near('[data-nav]'))) { ev.preventDefault(); if (el.matches('.dock a')) drawerOpener = el; drawer(!document.body.classList.contains('nav-open')); }
  if (ev.target instanceof HTMLDialogElement) ev.target.close();
});
document.addEventListener('keydown', ev => {
  if ((ev.ctrlKey || ev.metaKey) && ev.key.toLowerCase() === 'k' && side) { ev.preventDefault(); openPalette(); return; }
  if (ev.key === 'Escape' && document.body.classList.contains('nav-open')) drawer(false);
  if (ev.key === '/' && !/INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) {
    const f = $('[data-filter],[data-logsearch],[data-search]');
    if (f) { ev.preventDefault(); f.focus(); }
  }
});

// A form is sent once
document.addEventListener('submit', ev => {
  if (ev.defaultPrevented) return;
  const form = ev.target;
  if (form.dataset.sent) { ev.preventDefault(); return; }
  form.dataset.sent = '1';
});
addEventListener('pageshow', () => $$('form[data-sent]').forEach(f => delete f.dataset.sent));

// Filters above tables: text and kind. live.js calls apply again after it replaced rows.
const filters = [];
$$('[data-filter]').forEach(input => {
  const buttons = $$('[data-show]');
  let kind = '';
  const apply = () => {
    const rows = $$('#' + input.dataset.filter + ' > tr'), text = input.value.trim().toLowerCase();
    let any = false;
    rows.filter(r => r.dataset.name !== undefined).forEach(r => {
      const fits = (!kind || r.dataset.s === kind) && r.dataset.name.toLowerCase().includes(text);
      r.hidden = !fits;
      any ||= fits;
    });
    rows.filter(r => r.matches('.none')).forEach(r => { r.hidden = any; });
  };
  input.addEventListener('input', apply);
  buttons.forEach(b => b.addEventListener('click', () => {
    buttons.forEach(x => x.setAttribute('aria-pressed', x === b));
    kind = b.dataset.show;
    apply();
  }));
  filters.push(apply);
});

// Names that appear elsewhere while they are typed
$$('[data-echo]').forEach(out => {
  const input = $('[name="' + out.dataset.echo + '"]', out.closest('form') || document);
  const first = out.textContent;
  const show = () => { out.textContent = input.value || first; };
  input?.addEventListener('input', show);
  if (input) show();
});
