(() => {
  'use strict';
  for (const log of document.querySelectorAll('.log')) {
    const search = log.querySelector('.search');
    const [input, output] = [search.querySelector('input'), search.querySelector('output')];
    const rows = [...log.querySelectorAll('tbody tr')];
    search.hidden = false;
    input.addEventListener('input', () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let found = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        const hit = words.every((word) => text.includes(word));
        row.classList.toggle('miss', !hit);
        found += hit;
      }
      output.textContent = words.length ? `${found} of ${rows.length}` : '';
    });
  }
  for (const tools of document.querySelectorAll('.tools')) {
    tools.hidden = false;
    for (const button of tools.querySelectorAll('button')) {
      button.addEventListener('click', () => {
        for (const one of document.querySelectorAll('.trial > details')) one.open = Boolean(button.dataset.open);
      });
    }
  }
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = target && target.closest('details');
    if (details && !details.open) {
      details.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener('hashchange', open);
  open();
})();
