// Copyright 2026 The face-gender pipeline authors.
// SPDX-License-Identifier: Apache-2.0
// The whole page: the mark of the current section, printing, and the first drawing.

const links = new Map([...document.querySelectorAll('nav a')].map((link) => [link.getAttribute('href').slice(1), link]));
const visible = new Set();
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) visible[entry.isIntersecting ? 'add' : 'delete'](entry.target.id);
  const first = [...links.keys()].find((id) => visible.has(id));
  for (const [id, link] of links) {
    if (id === first) link.setAttribute('aria-current', 'true'); else link.removeAttribute('aria-current');
  }
}, { rootMargin: '-10% 0px -60% 0px' });
for (const section of document.querySelectorAll('main > section')) watcher.observe(section);

// Unfolds the details for printing, except the long tables of folders and files.
let opened = [];
addEventListener('beforeprint', () => {
  opened = [...document.querySelectorAll('details:not([open], .long)')];
  for (const item of opened) item.open = true;
});
addEventListener('afterprint', () => { for (const item of opened) item.open = false; });

readAddress();
for (const listener of listeners) listener(Object.keys(state));
