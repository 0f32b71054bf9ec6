/** Of the report's page, which can be read without it: opens the step that a link leads to, finds steps, opens and closes all. */
export const PAGE_SCRIPT = `
(() => {
  'use strict';
  document.documentElement.classList.add('js');
  const steps = [...document.querySelectorAll('details.step')];
  const show = () => {
    const step = document.getElementById(location.hash.slice(1));
    if (!(step instanceof HTMLDetailsElement)) return;
    step.hidden = false;
    step.open = true;
    step.scrollIntoView({ block: 'nearest' });
  };
  addEventListener('hashchange', show);
  show();
  const all = (open) => () => { for (const step of steps) if (!step.hidden) step.open = open; };
  document.getElementById('open-all').addEventListener('click', all(true));
  document.getElementById('close-all').addEventListener('click', all(false));
  document.getElementById('find').addEventListener('input', (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const step of steps) step.hidden = !step.textContent.toLowerCase().includes(wanted);
  });
})();
`;
