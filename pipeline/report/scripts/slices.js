// Copyright 2026 The face-gender pipeline authors.
// SPDX-License-Identifier: Apache-2.0
// The table of slices: metric, filter, order.

const table = byId('slice-table'), body = table.tBodies[0], rows = [...body.rows];
const sliceOf = (row) => data.slices[row.dataset.row];
const measured = (row) => metricsOf(sliceOf(row))[state.metric];

function drawMeasure() {
  const select = byId('slice-metric'), overall = metricsOf(data.slices[0])[state.metric];
  select.value = state.metric;
  byId('slice-measure').textContent = select.selectedOptions[0].textContent;
  for (const row of rows) {
    const metric = measured(row), meter = row.querySelector('.meter');
    const [, , , valueCell, lowCell] = row.cells;
    meter.setAttribute('visibility', metric ? 'visible' : 'hidden');
    valueCell.textContent = metric ? fixed(metric.value, 3) : '–';
    lowCell.replaceChildren(element('span', metric ? `${fixed(metric.low, 3)}–${fixed(metric.high, 3)}` : '', 'interval'));
    if (!metric) continue;
    const set = (part, name, value) => meter.querySelector(part).setAttribute(name, value);
    set('.bar', 'width', Math.max(metric.value * 100, 0.3));
    set('.whisker', 'x1', metric.low * 100);
    set('.whisker', 'x2', metric.high * 100);
    for (const end of ['x1', 'x2']) set('.overall', end, (overall?.value ?? 0) * 100);
  }
  sort();
}

function sort() {
  const [key, downwards] = [state.sort.replace(/^-/, ''), state.sort.startsWith('-')];
  for (const head of table.querySelectorAll('th[data-key]')) {
    head.removeAttribute('aria-sort');
    if (head.dataset.key === key) head.setAttribute('aria-sort', downwards ? 'descending' : 'ascending');
  }
  const value = {
    name: (row) => sliceOf(row).name,
    faces: (row) => sliceOf(row).women + sliceOf(row).men,
    value: (row) => measured(row)?.value ?? Infinity,
    low: (row) => measured(row)?.low ?? Infinity,
  }[key];
  const order = (a, b) => {
    if (a === b) return 0;
    if (a === Infinity || b === Infinity) return a === Infinity ? 1 : -1; // undefined comes last
    return (downwards ? -1 : 1) * (typeof a === 'string' ? a.localeCompare(b) : a - b);
  };
  rows.sort((a, b) => order(value(a), value(b)));
  body.append(...rows);
}

function filter() {
  byId('slice-kind').value = state.kind;
  byId('slice-text').value = state.text;
  byId('slice-least').value = state.least;
  const text = state.text.trim().toLowerCase(), least = Number(state.least) || 0;
  let shown = 0;
  for (const row of rows) {
    const slice = sliceOf(row);
    row.hidden = !((!state.kind || row.dataset.kind === state.kind) && slice.women + slice.men >= least &&
      slice.name.toLowerCase().includes(text));
    shown += !row.hidden;
  }
  byId('slice-count').textContent = shown === rows.length ? `${shown} slices` : `${shown} of ${rows.length} slices`;
}

for (const head of table.querySelectorAll('th[data-key]')) {
  const button = element('button');
  button.type = 'button';
  button.append(...head.childNodes);
  head.replaceChildren(button);
  button.addEventListener('click', () => update({ sort: state.sort === head.dataset.key ? `-${head.dataset.key}` : head.dataset.key }));
}
byId('slice-metric').addEventListener('change', () => update({ metric: byId('slice-metric').value }));
for (const key of ['kind', 'text', 'least']) {
  byId(`slice-${key}`).addEventListener('input', () => update({ [key]: byId(`slice-${key}`).value }));
}
listeners.push((changed) => {
  if (changed.some((key) => ['t', 'metric', 'sort'].includes(key))) drawMeasure();
  if (changed.some((key) => ['kind', 'text', 'least'].includes(key))) filter();
});
