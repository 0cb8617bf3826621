// Drag and drop with progress. The form underneath sends the file without any of this.
'use strict';
$$('form[data-upload]').forEach(form => {
  const input = $('input[type=file]', form), box = $('[data-progress]', form), bar = $('progress', form);
  const say = $('[data-say]', form), error = $('[data-error]', form), max = Number(form.dataset.max);
  let request = null;

  const size = n => n < 1000 * 1024 ? Math.max(1, Math.round(n / 1024)) + ' KB' : (n / 1048576).toFixed(n < 10485760 ? 1 : 0) + ' MB';
  function fail(text) {
    box.hidden = true;
    error.hidden = false;
    error.textContent = text;
    form.classList.remove('busy');
  }
  function send(file) {
    error.hidden = true;
    if (!file) return;
    if (!/\.(zip|tar|tar\.gz|tgz)$/i.test(file.name)) { fail('“' + file.name + '” is not a zip or tar.gz. Pack the folder into a zip first.'); return; }
    if (max && file.size > max) { fail('“' + file.name + '” is ' + size(file.size) + '. At most ' + size(max) + ' can be uploaded. Push it with git instead.'); return; }
    if (!file.size) { fail('“' + file.name + '” is empty, or a folder. Pack the folder into a zip first.'); return; }
    form.classList.add('busy');
    box.hidden = false;
    $('[data-file]', form).textContent = file.name;
    const began = Date.now(), data = new FormData(form);
    data.set('file', file);
    request = new XMLHttpRequest();
    request.open('POST', form.action);
    request.setRequestHeader('X-Part', 'json');
    request.upload.onprogress = ev => {
      if (!ev.lengthComputable) return;
      bar.value = ev.loaded / ev.total * 100;
      const left = (Date.now() - began) / 1000 / ev.loaded * (ev.total - ev.loaded);
      say.textContent = ev.loaded >= ev.total ? 'Looking inside' : size(ev.loaded) + ' of ' + size(ev.total) + (left > 2 ? ', ' + Math.ceil(left) + ' s left' : '');
    };
    request.upload.onload = () => { bar.value = 100; say.textContent = 'Looking inside'; };
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* not ours: a proxy answered */ }
      if (request.status < 300 && answer.go) { location.href = answer.go; return; }
      fail(answer.message || 'The server did not take the file. Try again in a moment.');
    };
    request.onerror = () => fail('The connection broke. Nothing was changed. Try again.');
    request.onabort = () => { box.hidden = true; form.classList.remove('busy'); };
    request.send(data);
  }
  input.addEventListener('change', () => send(input.files[0]));
  form.addEventListener('submit', ev => { ev.preventDefault(); send(input.files[0]); });
  $('[data-abort]', form).addEventListener('click', () => request?.abort());
  for (const type of ['dragenter', 'dragover']) form.addEventListener(type, ev => { ev.preventDefault(); form.classList.add('over'); });
  for (const type of ['dragleave', 'drop']) form.addEventListener(type, ev => { ev.preventDefault(); form.classList.remove('over'); });
  form.addEventListener('drop', ev => send(ev.dataTransfer.files[0]));
});
