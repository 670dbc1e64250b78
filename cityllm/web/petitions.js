/* The petitions page. A button with data-do="NAME" is an action; data-key is its key. An action goes
   to the server as JSON, which sends back the parts of the page that change: nothing is decided
   here. What was typed is kept until the server has it. */
const site = document.getElementById('site');
const at = (name) => document.getElementById(name);
const narrow = () => window.matchMedia('(max-width: 900px)').matches;
const SETTLE = 500; // milliseconds in which a key pressed too long decides nothing
const BEAT = 30000;
let waiting = false;
let shown = 0;

const petition = () => site.querySelector('.petition');
const number = () => Number(site.dataset.n || 0);
const mine = () => Boolean(petition() && petition().dataset.mine === '1');

// A reply changed by hand is kept in this tab until it is decided, whatever is opened meanwhile.
const place = () => (petition() ? `reply-${petition().dataset.n}-${petition().dataset.mark}` : '');
const typed = () => window.sessionStorage.getItem(place());

function say(words) {
  const place = at('said');
  if (!place) return;
  place.replaceChildren();
  if (!words) return;
  const line = document.createElement('p');
  line.className = 'notice problem';
  line.setAttribute('role', 'alert');
  line.textContent = words;
  place.append(line);
}

async function send(what, more = {}) {
  const find = at('find');
  const asked = { do: what, lang: site.dataset.lang, view: site.dataset.view, n: number(), words: find ? find.value : '', ...more };
  let reply;
  try {
    reply = await fetch('/petitions/do', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(asked) });
    if (reply.status === 401) { say(site.dataset.ended); return null; }
    return await reply.json();
  } catch {
    say(site.dataset.offline);
    return null;
  }
}

async function act(what, more = {}) {
  if (waiting) return null;
  waiting = true;
  site.setAttribute('aria-busy', 'true');
  try {
    const told = await send(what, more);
    if (told) put(told);
    return told;
  } finally {
    waiting = false;
    site.removeAttribute('aria-busy');
  }
}

function put(told) {
  const before = number();
  if (told.view) site.dataset.view = told.view;
  if ('n' in told) site.dataset.n = told.n;
  for (const [name, html] of Object.entries(told.parts || {})) {
    const place = at(name);
    if (place) place.innerHTML = html;
  }
  if (told.said) say(told.said);
  if (told.parts && 'main' in told.parts) settled(before !== number());
  if (told.parts && told.parts.panel) showPanel();
}

function settled(fresh) {
  const address = new URL(window.location.href);
  address.search = '';
  if (number()) address.searchParams.set('p', number());
  if (site.dataset.view !== 'waiting') address.searchParams.set('view', site.dataset.view);
  address.searchParams.set('lang', site.dataset.lang);
  window.history.replaceState(null, '', address);
  shown = performance.now();
  if (at('reply') && typed() !== null) edit(typed());
  if (fresh) {
    site.removeAttribute('data-menu');
    (narrow() ? document.documentElement : at('main')).scrollTop = 0;
    const head = at('main').querySelector('h2');
    if (head) head.focus({ preventScroll: true });
  }
  const here = at('side').querySelector('[aria-current]');
  if (here && !narrow()) here.scrollIntoView({ block: 'nearest' });
  if (petition()) {
    similar(number());
    if (petition().dataset.busy === '1') follow(number());
  }
}

function showPanel() {
  const head = at('panel').querySelector('h2');
  at('panel').scrollTop = 0;
  if (head) head.focus({ preventScroll: true });
  if (narrow()) at('panel').scrollIntoView({ block: 'start' });
}

async function similar(n) {
  for (let tries = 0; tries < 120 && number() === n && petition(); tries += 1) {
    const told = await send('similar', { n });
    if (!told || number() !== n) return;
    if (!told.busy) { put({ parts: told.parts }); return; }
    await new Promise((done) => { setTimeout(done, 1000); });
  }
}

async function follow(n) {
  while (number() === n && petition()) {
    await new Promise((done) => { setTimeout(done, 1000); });
    if (number() !== n || !petition()) return;
    const told = await send('drafted', { n });
    if (told && number() === n && !told.busy) { reply(told); return; }
  }
}

function reply(told) {
  if (told.reply) at('reply-part').outerHTML = told.reply;
  if (told.said) say(told.said);
}

function edit(words) {
  const box = at('reply');
  if (!box) return;
  if (words !== undefined) box.value = words;
  box.hidden = false;
  const seen = at('reply-part').querySelector('.letter');
  if (seen) seen.hidden = true;
  if (words === undefined) { box.focus(); box.scrollIntoView({ block: 'nearest' }); }
}

function form(name) {
  for (const one of document.querySelectorAll('.form')) one.hidden = one.dataset.form !== name;
  const open = document.querySelector(`.form[data-form="${name}"]`);
  if (!open) return;
  const first = open.querySelector('input, select');
  first.focus();
  if (first.select) first.select();
}

function close() {
  if ([...document.querySelectorAll('.form')].some((one) => !one.hidden)) {
    for (const one of document.querySelectorAll('.form')) one.hidden = true;
    const head = at('main').querySelector('h2');
    if (head) head.focus({ preventScroll: true });
    return;
  }
  at('panel').innerHTML = '';
}

function decide(what, more = {}) {
  const box = at('reply');
  const kept = place();
  return act(what, { mark: petition() ? petition().dataset.mark : '', reply: box ? box.value : '', ...more }).then((told) => {
    if (told && !told.said && ['accept', 'change', 'return'].includes(what)) window.sessionStorage.removeItem(kept);
    return told;
  });
}

const local = {
  menu: () => site.toggleAttribute('data-menu'),
  skip: () => at('main').querySelector('h2')?.focus(),
  speak: (button) => { site.dataset.lang = button.dataset.lang; const a = new URL(window.location.href); a.searchParams.set('lang', button.dataset.lang); window.location.assign(a); },
  shut: () => { at('panel').innerHTML = ''; },
  close,
  edit: () => edit(),
  accept: () => decide('accept'),
  change: () => form('change'),
  return: () => form('return'),
  original: () => form('original'),
  undo: () => form('undo'),
  assign: () => form('assign'),
  prefer: (button) => {
    form('change');
    const list = [...document.querySelectorAll('#categories option')];
    const found = list.find((one) => one.textContent.startsWith(`${button.dataset.code} `));
    const box = document.querySelector('.form[data-form="change"] [name="category"]');
    if (found && box) box.value = found.textContent;
    document.querySelector('.form[data-form="change"] [name="department"]').focus();
  },
  view: (button) => { site.dataset.view = button.dataset.view; if (at('find')) at('find').value = ''; act('view', { n: mine() && button.dataset.view === 'waiting' ? number() : 0 }); },
  open: (button) => act('open', { n: Number(button.dataset.n), left: mine() ? number() : 0 }),
  next: () => act('next'),
  cite: (button) => act('cite', { clause: button.dataset.clause }),
  draft: async () => {
    if (typed() !== null && !window.confirm(site.dataset.sure)) return;
    window.sessionStorage.removeItem(place());
    const told = await send('draft'); if (!told) return;
    reply(told);
    if (told.busy) follow(number());
  },
};

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (button && local[button.dataset.do]) local[button.dataset.do](button);
});

document.addEventListener('submit', (event) => {
  const open = event.target.closest('.form');
  if (!open) return;
  event.preventDefault();
  const values = Object.fromEntries(new FormData(open));
  values.risks = [...open.querySelectorAll('[name="risks"]:checked')].map((one) => one.value);
  decide(open.dataset.form, { form: values }).then((told) => {
    if (told && !told.said && document.contains(open)) open.hidden = true;
  });
});

let pause;
document.addEventListener('input', (event) => {
  if (event.target.id === 'reply') window.sessionStorage.setItem(place(), event.target.value);
  if (event.target.id === 'find') {
    clearTimeout(pause);
    pause = setTimeout(async () => { const told = await send('find'); if (told) put(told); }, 300);
  }
});

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') { close(); if (document.activeElement === at('reply')) at('reply').blur(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  if (event.target.closest('input, textarea, select')) return;
  const key = event.key.toLowerCase();
  if (key === 'j' || key === 'k') {
    const all = [...at('side').querySelectorAll('.pick')];
    const here = all.indexOf(document.activeElement);
    const start = here >= 0 ? here : all.findIndex((one) => one.closest('[aria-current]'));
    const next = all[Math.min(all.length - 1, Math.max(0, start + (key === 'j' ? 1 : -1)))];
    if (next) next.focus();
    return;
  }
  const button = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!button || performance.now() - shown < SETTLE) return;
  event.preventDefault();
  button.click();
});

setInterval(async () => {
  if (!mine()) return;
  const n = number();
  const told = await send('keep', { n });
  if (told && told.held === false && number() === n && mine()) {
    petition().dataset.mine = '0';
    await act('show');
    say(site.dataset.lost);
  }
}, BEAT);

if (number()) act('open', { n: number() }); else settled(false);
