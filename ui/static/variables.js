// The variables table: rows to add, a .env file pasted into a name, and what is not saved yet.
'use strict';
(() => {
  const form = $('[data-vars]');
  if (!form) return;
  const rows = $('#var-rows'), blank = $('#new-variable').content, say = $('[data-changes]', form), first = say.textContent;
  let sent = false;

  function add(name = '', value = '') {
    const row = $('tr', blank).cloneNode(true);
    $('[name=new_name]', row).value = name;
    $('[name=new_value]', row).value = value;
    rows.append(row);
    $('[data-novars]')?.remove();
    return row;
  }
  $('[data-add]', form).addEventListener('click', () => { $('input', add()).focus(); count(); });
  $('[data-env]', form).addEventListener('click', () => { const box = $('#env-box'); box.open = true; $('#env').focus(); });

  const lineOf = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/;
  form.addEventListener('paste', ev => {
    if (!ev.target.matches('[name=new_name]')) return;
    const found = ev.clipboardData.getData('text').split(/\r?\n/).map(l => lineOf.exec(l)).filter(Boolean);
    if (!found.length) return;
    ev.preventDefault();
    const unquote = v => /^(["']).*\1$/.test(v.trim()) ? v.trim().slice(1, -1) : v.trim();
    found.forEach(([, name, value], i) => {
      if (i === 0) { const row = ev.target.closest('tr'); ev.target.value = name; $('[name=new_value]', row).value = unquote(value); } else add(name, unquote(value));
    });
    count();
  });
  form.addEventListener('click', ev => {
    const b = ev.target.closest('[data-drop]');
    if (b) { b.closest('tr').remove(); count(); }
  });

  function changes() {
    const names = [];
    $$('[data-var]', rows).forEach(r => {
      const c = $('[name=old_build]', r), gone = $('[name=remove]', r).checked;
      r.classList.toggle('gone', gone);
      if (gone || $('[name=old_value]', r).value || c.checked !== c.defaultChecked) names.push(r.dataset.name);
    });
    $$('[data-new]', rows).forEach(r => { const n = $('[name=new_name]', r).value.trim(); if (n && ($('[name=new_value]', r).value || !r.dataset.name)) names.push(n); });
    $('#env').value.split(/\r?\n/).forEach(l => { const m = lineOf.exec(l); if (m) names.push(m[1]); });
    return names;
  }
  function count() {
    const names = changes();
    say.textContent = names.length ? names.length + (names.length === 1 ? ' change' : ' changes') + ' not saved: ' + names.slice(0, 4).join(', ') + (names.length > 4 ? ' and ' + (names.length - 4) + ' more' : '') + '.' : first;
    form.classList.toggle('changed', names.length > 0);
  }
  form.addEventListener('input', count);
  form.addEventListener('change', count);
  form.addEventListener('submit', () => { sent = true; });
  addEventListener('beforeunload', ev => { if (!sent && form.classList.contains('changed')) ev.preventDefault(); });
})();
