// The log window: search, levels, follow.
'use strict';
(() => {
  const list = $('ol[data-lines]');
  if (!list) return;
  const search = $('[data-logsearch]'), hits = $('[data-hits]'), follow = $('[data-follow-toggle]'), off = new Set();

  const level = li => li.classList.contains('err') ? 'err' : li.classList.contains('wrn') ? 'wrn' : '';
  function apply() {
    const text = search ? search.value.trim().toLowerCase() : '', ranges = [];
    let n = 0;
    for (const li of list.children) {
      li.hidden = off.has(level(li));
      const hit = text && li.lastElementChild.textContent.toLowerCase().includes(text);
      li.classList.toggle('dim', Boolean(text) && !hit);
      if (hit && !li.hidden) { n++; mark(li.lastElementChild, text, ranges); }
    }
    if (hits) hits.textContent = text ? n + (n === 1 ? ' match' : ' matches') : '';
    if (window.Highlight && CSS.highlights) CSS.highlights.set('found', new Highlight(...ranges));
  }
  function mark(el, text, ranges) {
    if (!window.Highlight || ranges.length > 2000) return;
    const walk = document.createTreeWalker(el, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const at = walk.currentNode.data.toLowerCase().indexOf(text);
      if (at < 0) continue;
      const r = new Range();
      r.setStart(walk.currentNode, at);
      r.setEnd(walk.currentNode, at + text.length);
      ranges.push(r);
    }
  }
  search?.addEventListener('input', apply);
  $$('[data-level]').forEach(b => b.addEventListener('click', () => {
    const on = b.getAttribute('aria-pressed') !== 'true';
    b.setAttribute('aria-pressed', on);
    if (on) off.delete(b.dataset.level); else off.add(b.dataset.level);
    apply();
  }));
  list.addEventListener('lines', () => { if (off.size || search?.value) apply(); });

  // Following ends when somebody scrolls up to read, and goes on at the bottom
  const bottom = () => { list.scrollTop = list.scrollHeight; };
  function setFollow(on) {
    if (on) { list.dataset.follow = ''; bottom(); } else delete list.dataset.follow;
    follow?.setAttribute('aria-pressed', on);
  }
  follow?.addEventListener('click', () => setFollow(follow.getAttribute('aria-pressed') !== 'true'));
  list.addEventListener('scroll', () => {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    if (atEnd !== (list.dataset.follow !== undefined)) setFollow(atEnd);
  }, { passive: true });
  if (list.dataset.follow !== undefined) bottom();
})();
