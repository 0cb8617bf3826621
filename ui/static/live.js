// Keeps a page up to date through one stream of server-sent events. "parts" carries elements that replace those with the same id,
// "lines" carries log lines to append, "go" an address to open. The stream rests while nobody looks at the page.
'use strict';
(() => {
  const dot = $('[data-stream]');
  if (!dot) return;
  const paused = $('#paused'), lines = () => $('[data-lines]');
  let source = null, lostTimer = 0, hideTimer = 0, retry = 0;

  // morph makes old like fresh with as few changes as possible: what is equal is not touched, so animations run on, open details
  // stay open, and screen readers hear only what changed.
  function morph(old, fresh) {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) { old.replaceWith(fresh.cloneNode(true)); return; }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    if (old.matches('[data-lines]')) { // its lines come one by one
      if (old.id !== fresh.id) old.replaceWith(fresh.cloneNode(true));
      return;
    }
    for (const a of [...old.attributes]) {
      if (!fresh.hasAttribute(a.name) && a.name !== 'open') old.removeAttribute(a.name);
    }
    for (const a of fresh.attributes) {
      if (old.getAttribute(a.name) !== a.value && !(a.name === 'open' && old.nodeName === 'DETAILS')) old.setAttribute(a.name, a.value);
    }
    const a = [...old.childNodes], b = [...fresh.childNodes];
    b.forEach((n, i) => { if (a[i]) morph(a[i], n); else old.append(n.cloneNode(true)); });
    a.slice(b.length).forEach(n => n.remove());
  }

  function parts(html) {
    const doc = new DOMParser().parseFromString(html, 'text/html');
    localTimes(doc);
    for (const fresh of $$('[id]', doc.body)) {
      if (fresh.parentElement.closest('[id]')) continue;
      const old = document.getElementById(fresh.id);
      if (!old || old.contains(document.activeElement) && document.activeElement.matches('input,textarea,select')) continue;
      morph(old, document.adoptNode(fresh));
    }
    filters.forEach(apply => apply());
  }

  function append(html) {
    const list = lines();
    if (!list) return;
    const box = document.createElement('template');
    box.innerHTML = html;
    localTimes(box.content);
    const follow = list.dataset.follow !== undefined || list.dataset.keep <= 20;
    list.append(box.content);
    const extra = list.children.length - (Number(list.dataset.keep) || 5000);
    for (let i = 0; i < extra; i++) list.firstElementChild.remove();
    if (follow) list.scrollTop = list.scrollHeight;
    list.dispatchEvent(new Event('lines'));
  }

  // after is where the stream goes on: the last line that is already here.
  function after() {
    const last = lines()?.lastElementChild;
    if (!last) return '';
    return last.dataset.n && last.dataset.n !== '0' ? last.dataset.n : $('time', last)?.dateTime || '';
  }

  function lost() {
    dot.dataset.state = 'lost';
    dot.textContent = 'Paused';
    if (!lostTimer) lostTimer = setTimeout(() => { if (paused) paused.hidden = false; }, 5000);
  }
  function back() {
    clearTimeout(lostTimer);
    lostTimer = retry = 0;
    delete dot.dataset.state;
    dot.textContent = 'Live';
    if (paused) paused.hidden = true;
  }

  function open() {
    source?.close();
    const url = new URL(dot.dataset.stream, location.href), from = after();
    if (from) { url.searchParams.set('of', lines().id); url.searchParams.set('after', from); }
    source = new EventSource(url);
    source.onopen = back;
    source.addEventListener('parts', ev => parts(ev.data));
    source.addEventListener('lines', ev => append(ev.data));
    source.addEventListener('go', ev => { location.href = ev.data; });
    source.addEventListener('end', () => { source.close(); });
    source.onerror = () => {
      lost();
      source.close(); // not its own retry: "after" has moved on
      retry = Math.min(retry + 1, 6);
      setTimeout(() => { if (!document.hidden) open(); }, 1000 * 2 ** (retry - 1));
    };
  }
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hideTimer);
    if (document.hidden) hideTimer = setTimeout(() => { source?.close(); source = null; }, 30000);
    else if (!source || source.readyState === EventSource.CLOSED) open();
  });
  addEventListener('pagehide', () => source?.close());
  open();
})();
