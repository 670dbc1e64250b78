/* The pages of policies work as plain forms. This script sends the same forms without leaving the
   page, puts the parts of the reply in their places, opens articles beside them, and keeps what was
   typed for this tab alone. Nothing is decided here. */
const site = document.getElementById('site');
const at = (name) => document.getElementById(name);
const narrow = () => window.matchMedia('(max-width: 900px)').matches;
const KEPT = 'cityllm-firm';
document.documentElement.classList.add('scripted');

function say(words) {
  const place = at('main').querySelector('.notice.script-said') || document.createElement('p');
  place.className = 'notice problem script-said';
  place.setAttribute('role', 'alert');
  place.textContent = words;
  at('main').prepend(place);
}

async function fetched(address, options) {
  site.setAttribute('aria-busy', 'true');
  try {
    const reply = await fetch(address, options);
    if (reply.status === 401 || new URL(reply.url).pathname === '/sign-in') {
      window.location.assign(`/sign-in?next=${encodeURIComponent(window.location.pathname + window.location.search)}`);
      return null;
    }
    return new DOMParser().parseFromString(await reply.text(), 'text/html');
  } catch {
    say(site.dataset.offline);
    return null;
  } finally {
    site.removeAttribute('aria-busy');
  }
}

function put(page, names) {
  const focus = document.activeElement;
  const again = focus && (focus.name ? `[name="${focus.name}"][value="${focus.value}"], input[name="${focus.name}"]` : focus.id ? `#${focus.id}` : '');
  const open = new Map([...document.querySelectorAll('details[id]:not(#tell)')].map((one) => [one.id, one.open]));
  const scrolls = names.map((name) => at(name).scrollTop);
  for (const name of names) at(name).innerHTML = page.getElementById(name).innerHTML;
  for (const one of document.querySelectorAll('details[id]')) if (open.get(one.id)) one.open = true;
  names.forEach((name, n) => { at(name).scrollTop = scrolls[n]; });
  if (again) document.querySelector(again)?.focus({ preventScroll: true });
}

async function send(form, button) {
  const data = new FormData(form, button);
  const page = await fetched(form.action, { method: 'POST', body: new URLSearchParams(data) });
  if (!page) return;
  const what = button ? `${button.name}=${button.value}` : '';
  put(page, ['side', 'main', 'composer']);
  keep();
  if (what.startsWith('open=')) {
    const shown = at(`policy-${button.value}`);
    if (shown?.querySelector('.full')) shown.scrollIntoView({ block: 'start' });
  } else if (what.startsWith('do=')) {
    if (narrow()) { site.removeAttribute('data-menu'); window.scrollTo(0, 0); } else if (button.value !== 'match') at('main').scrollTop = 0;
    const first = button.value === 'read' ? at('proposals') : at('side').querySelector('[aria-invalid]') || at('composer').querySelector('input, select');
    if (!narrow() || first?.matches('[aria-invalid]')) first?.focus({ preventScroll: !first.matches('[aria-invalid]') });
  } else if (what.startsWith('skip=')) at('composer').querySelector('input, select')?.focus();
}

function keep() {
  const form = at('firm');
  if (form) window.sessionStorage.setItem(KEPT, new URLSearchParams(new FormData(form)).toString());
}

async function restore() {
  const kept = window.sessionStorage.getItem(KEPT);
  if (!at('firm') || !kept) return;
  const told = new URLSearchParams(kept);
  if (![...told.keys()].some((name) => /^(?:[fdr]\.|said$)/.test(name) && told.getAll(name).some(Boolean))) return;
  const page = await fetched(at('firm').action, { method: 'POST', body: told });
  if (page) { put(page, ['side', 'main', 'composer']); site.removeAttribute('data-menu'); }
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.id !== 'firm' || event.submitter?.hasAttribute('data-plain')) return;
  event.preventDefault();
  send(form, event.submitter);
});

const ACTIONS = {
  async cite(button) {
    const address = button.href || `/policies/article?clause=${encodeURIComponent(button.dataset.clause)}&lang=${site.dataset.lang}`;
    const page = await fetched(address);
    if (!page) return;
    at('panel').innerHTML = page.getElementById('panel').innerHTML;
    back = button.href ? button : back;
    at('panel').querySelector('h2')?.focus({ preventScroll: !narrow() });
    if (narrow()) at('panel').scrollIntoView();
  },
  shut() { at('panel').replaceChildren(); back?.focus(); },
  menu() { site.toggleAttribute('data-menu'); if (site.hasAttribute('data-menu')) window.scrollTo(0, 0); },
  skip() { (at('main').querySelector('h2') || at('main')).focus(); },
  print() { window.print(); },
  speak(button) {
    const address = new URL(window.location.href);
    address.searchParams.set('lang', button.dataset.lang);
    keep();
    window.location.assign(address);
  },
};
let back = null;

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (!button || !ACTIONS[button.dataset.do] || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  ACTIONS[button.dataset.do](button);
});

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && at('panel').firstElementChild) ACTIONS.shut();
});

document.addEventListener('input', (event) => {
  if (event.target.id !== 'find') { if (event.target.form?.id === 'firm') keep(); return; }
  const words = event.target.value.trim().toLowerCase();
  for (const one of at('side').querySelectorAll('.datum, .choose li')) one.hidden = Boolean(words) && !one.textContent.toLowerCase().includes(words);
  for (const group of at('side').querySelectorAll('.group')) {
    group.hidden = Boolean(words) && !group.querySelector('.datum:not([hidden])');
    if (words && !group.hidden) group.open = true;
  }
});

document.addEventListener('change', (event) => {
  if (event.target.form?.id === 'firm' && ['day', 'order'].includes(event.target.name)) send(event.target.form, null);
  if (event.target.matches('[data-send]')) event.target.form.requestSubmit();
});

restore();
