/* Runs once for each part of the page. `element`, `trigger`, `watch` come from Gradio's HTML part.
   A button with data-do="NAME" raises event NAME with its data-* values; nothing is decided here. */
const events = ['cite', 'shut', 'rate', 'comment', 'open', 'remove', 'fresh', 'example', 'speak'];
const narrow = () => window.matchMedia('(max-width: 900px)').matches;

element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (!button || !element.contains(button)) return;
  if (button.dataset.do === 'menu') {
    document.getElementById('site').toggleAttribute('data-menu');
    return;
  }
  if (button.dataset.do === 'skip') {
    document.querySelector('#question textarea').focus();
    return;
  }
  if (button.dataset.do === 'reveal') {
    const shown = document.getElementById(button.dataset.target);
    if (!shown) return;
    shown.closest('details').open = true;
    shown.scrollIntoView({ block: 'center' });
    return;
  }
  if (!events.includes(button.dataset.do)) return;
  if (button.dataset.sure && !window.confirm(button.dataset.sure)) return;
  if (['open', 'fresh', 'example'].includes(button.dataset.do)) {
    document.getElementById('site').removeAttribute('data-menu');
  }
  const box = button.closest('[data-box]');
  trigger(button.dataset.do, { ...button.dataset, text: box ? box.querySelector('textarea').value : '' });
});

let seen = 0;

function settled() {
  const turns = element.querySelector('.turns');
  if (turns) {
    const address = new URL(window.location.href);
    address.search = '';
    if (turns.dataset.conversation) address.searchParams.set('c', turns.dataset.conversation);
    address.searchParams.set('lang', turns.dataset.lang);
    window.history.replaceState(null, '', address);
    document.documentElement.lang = turns.dataset.lang === 'en' ? 'en' : 'zh-CN';
    document.title = turns.dataset.title;
    const all = turns.querySelectorAll(':scope > .turn');
    if (all.length !== seen && all.length) {
      all[all.length - 1].scrollIntoView({ block: 'start' });
    }
    seen = all.length;
  }
  const writing = element.querySelector('[aria-busy]');
  if (writing) {
    const main = document.getElementById('main');
    const scroller = narrow() ? document.documentElement : main;
    const left = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    if (left < 320) scroller.scrollTop = scroller.scrollHeight;
  }
  const article = element.querySelector('.article h2');
  if (article) {
    document.getElementById('panel').scrollTop = 0;
    article.focus({ preventScroll: true });
    if (narrow()) element.querySelector('.article').scrollIntoView({ block: 'start' });
  }
}

watch('value', settled);

element.addEventListener('keydown', (event) => {
  const close = element.querySelector('[data-do="shut"]');
  if (event.key === 'Escape' && close) close.click();
});
