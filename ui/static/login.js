// Signing in without leaving the page: when a code is needed too, the password stays in its field.
'use strict';
(() => {
  const form = $('[data-login]');
  if (!form) return;
  const error = $('#login-error'), box = $('#code-box');
  form.addEventListener('submit', async ev => {
    ev.preventDefault();
    const button = $('button[type=submit]', form);
    button.disabled = true;
    error.hidden = true;
    let answer = {};
    try {
      const reply = await fetch(form.action, { method: 'POST', headers: { 'X-Part': 'json' }, body: new URLSearchParams(new FormData(form)), credentials: 'same-origin' });
      answer = await reply.json();
    } catch {
      answer = { message: 'The server does not answer. Your apps are not affected.' };
    }
    if (answer.go) { location.href = answer.go; return; }
    button.disabled = false;
    if (answer.field === 'code') {
      const first = box.hidden;
      box.hidden = false;
      $('#code').focus();
      if (first) return;
    }
    error.textContent = answer.message || 'That did not work.';
    error.hidden = false;
  });
})();
