/** Of the report's page, which can be read without it: opens the step that a link leads to, finds steps, opens and closes all. */
export const PAGE_SCRIPT = `
(() => {
  'use strict';
  document.documentElement.classList.add('js');
  const steps = [...document.querySelectorAll('details.step')];
  const show = (hash) => {
    const step = document.getElementById(hash.slice(1));
    if (!(step instanceof HTMLDetailsElement)) return;
    step.hidden = false;
    step.open = true;
    step.scrollIntoView({ block: 'nearest' });
  };
  addEventListener('hashchange', () => show(location.hash));
  // A second click on a link changes no address. Links of pictures have theirs in another attribute.
  addEventListener('click', ({ target }) => {
    const link = target instanceof Element ? target.closest('a') : null;
    if (link !== null) show(link.getAttribute('href') ?? link.getAttribute('xlink:href') ?? '');
  });
  show(location.hash);
  const all = (open) => () => { for (const step of steps) if (!step.hidden) step.open = open; };
  document.getElementById('open-all').addEventListener('click', all(true));
  document.getElementById('close-all').addEventListener('click', all(false));
  document.getElementById('find').addEventListener('input', (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const step of steps) step.hidden = !step.textContent.toLowerCase().includes(wanted);
  });
})();
`;
