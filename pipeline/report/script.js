// Copyright 2026 The face-gender pipeline authors.
// SPDX-License-Identifier: Apache-2.0
'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId('report-data').textContent);
  document.documentElement.classList.add('js');

  const signed = (value) => (value < 0 ? '−' : '+') + Math.abs(value).toFixed(3);
  const whole = (value) => value.toLocaleString('en-US');
  const ONE_CLASS = 'undefined: one class';
  const NONE_FEMALE = 'undefined: no face predicted female';

  // An element with text only, so that names cannot become markup.
  function element(name, text, kind) {
    const made = document.createElement(name);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  // --- the threshold ---------------------------------------------------------------------------------------------
  // The pipeline counts at every threshold; the page sums over the chosen ages.
  function counts(step, band) {
    const sum = { tp: 0, fn: 0, fp: 0, tn: 0 };
    for (const row of data.thresholds) {
      if (band && row.band !== band) continue;
      const female = row.female[step];
      if (row.gender === 'female') { sum.tp += female; sum.fn += row.faces - female; }
      else { sum.fp += female; sum.tn += row.faces - female; }
    }
    return sum;
  }

  function rates({ tp, fn, fp, tn }) {
    const women = tp + fn, men = fp + tn, both = women > 0 && men > 0;
    return {
      female: women ? tp / women : null,
      male: men ? tn / men : null,
      accuracy: women + men ? (tp + tn) / (women + men) : null,
      precision: both && tp + fp ? tp / (tp + fp) : null,
      difference: both ? tp / women - tn / men : null,
      both,
    };
  }

  function moveThreshold() {
    const step = Number(byId('cut').value), band = byId('cut-band').value;
    const found = counts(step, band), rate = rates(found);
    const cut = (step / 100).toFixed(2);
    byId('cut-value').textContent = cut;
    for (const [id, value] of Object.entries(found)) byId(id).textContent = whole(value);
    const show = (id, value, none) => { byId(id).textContent = value === null ? none : value.toFixed(3); };
    show('rate-female', rate.female, ONE_CLASS);
    show('rate-male', rate.male, ONE_CLASS);
    show('accuracy', rate.accuracy, 'undefined: no faces');
    show('precision', rate.precision, rate.both ? NONE_FEMALE : ONE_CLASS);
    byId('difference').textContent = rate.difference === null ? ONE_CLASS : signed(rate.difference);
    byId('cut').setAttribute('aria-valuetext', cut);
    movePlots(step / 100, rates(counts(step, '')));
    clearTimeout(moveThreshold.timer);
    moveThreshold.timer = setTimeout(() => {
      byId('cut-summary').textContent = `At ${cut}${band && `, ${band === 'unknown' ? 'age' : 'ages'} ${band}`}: correct for ${whole(found.tp)} of ` +
        `${whole(found.tp + found.fn)} women and ${whole(found.tn)} of ${whole(found.tn + found.fp)} men.`;
    }, 250);
  }

  // The scale of the plots: the margins of svg.Plot are 42 left, 14 right, 26 top, 40 bottom.
  const box = byId('histogram').viewBox.baseVal;
  const across = (value) => 42 + value * (box.width - 56);
  const down = (value) => box.height - 40 - value * (box.height - 66);
  function movePlots(cut, rate) {
    const line = byId('histogram-threshold');
    line.setAttribute('points', `${across(cut)},${down(0)} ${across(cut)},${down(1)}`);
    const place = (id, x, y) => {
      const point = byId(id);
      if (!point) return;
      point.setAttribute('visibility', x === null || y === null ? 'hidden' : 'visible');
      point.setAttribute('cx', across(x ?? 0));
      point.setAttribute('cy', down(y ?? 0));
    };
    place('roc-point', rate.male === null ? null : 1 - rate.male, rate.female);
    place('pr-point', rate.female, rate.precision);
  }

  byId('cut').addEventListener('input', moveThreshold);
  byId('cut-band').addEventListener('change', moveThreshold);
  moveThreshold();

  // --- slices ----------------------------------------------------------------------------------------------------
  const table = byId('slice-table'), body = table.tBodies[0], rows = [...body.rows];
  const measured = (row) => {
    const text = row.dataset[byId('slice-metric').value];
    const [value, low, high] = text.split(',').map(Number);
    return Number.isNaN(value) ? { text, value: Infinity, low: Infinity } : { value, low, high };
  };

  function drawMeasure() {
    const select = byId('slice-metric');
    byId('slice-measure').textContent = select.selectedOptions[0].textContent;
    for (const row of rows) {
      const { text, value, low, high } = measured(row), meter = row.querySelector('.meter');
      const [, , , valueCell, lowCell] = row.cells;
      meter.setAttribute('visibility', text ? 'hidden' : 'visible');
      valueCell.textContent = text ?? value.toFixed(3);
      valueCell.className = text ? 'none' : '';
      lowCell.replaceChildren(element('span', text ? '' : `${low.toFixed(3)}–${high.toFixed(3)}`, 'interval'));
      if (text) continue;
      meter.querySelector('.bar').setAttribute('width', Math.max(value * 100, 0.3));
      meter.querySelector('.whisker').setAttribute('x1', low * 100);
      meter.querySelector('.whisker').setAttribute('x2', high * 100);
    }
    sort();
  }

  function sort() {
    const head = table.querySelector('th[aria-sort]');
    const sign = head.getAttribute('aria-sort') === 'ascending' ? 1 : -1;
    const value = {
      name: (row) => row.cells[0].textContent,
      faces: (row) => Number(row.dataset.faces),
      value: (row) => measured(row).value,
      low: (row) => measured(row).low,
    }[head.dataset.key];
    const order = (a, b) => {
      if (a === b) return 0;
      if (a === Infinity || b === Infinity) return a === Infinity ? 1 : -1; // undefined comes last
      return sign * (typeof a === 'string' ? a.localeCompare(b) : a - b);
    };
    rows.sort((a, b) => order(value(a), value(b)));
    body.append(...rows);
  }

  function filter() {
    const kind = byId('slice-kind').value, text = byId('slice-text').value.trim().toLowerCase();
    const least = Number(byId('slice-least').value) || 0;
    let shown = 0;
    for (const row of rows) {
      const hit = (!kind || row.dataset.kind === kind) && Number(row.dataset.faces) >= least &&
        row.cells[0].textContent.toLowerCase().includes(text);
      row.hidden = !hit;
      shown += hit;
    }
    byId('slice-count').textContent = shown === rows.length ? `${shown} slices` : `${shown} of ${rows.length} slices`;
  }

  for (const head of table.querySelectorAll('th[data-key]')) {
    const button = element('button', head.textContent);
    button.type = 'button';
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const next = head.getAttribute('aria-sort') === 'ascending' ? 'descending' : 'ascending';
      table.querySelector('th[aria-sort]').removeAttribute('aria-sort');
      head.setAttribute('aria-sort', next);
      sort();
    });
  }
  byId('slice-metric').addEventListener('change', drawMeasure);
  for (const id of ['slice-kind', 'slice-text', 'slice-least']) byId(id).addEventListener('input', filter);

  // --- two runs --------------------------------------------------------------------------------------------------
  function compare() {
    const [first, second] = ['run-a', 'run-b'].map((id) => Number(byId(id).value));
    for (const row of byId('run-table').tBodies[0].rows) {
      const pair = [first, second].map((run) => data.runs[run][row.dataset.group]?.[row.dataset.measure] ?? null);
      pair.forEach((metric, place) => {
        const cell = row.cells[place + 1];
        cell.textContent = metric ? `${metric.value.toFixed(3)} ` : 'undefined';
        if (metric) cell.append(element('span', `${metric.low.toFixed(3)}–${metric.high.toFixed(3)}`, 'interval'));
      });
      row.cells[3].textContent = pair[0] && pair[1] ? signed(pair[1].value - pair[0].value) : '–';
    }
    const same = { paired: 'Both are the same run.', changes: [] };
    const found = data.comparisons[first < second ? `${first} ${second}` : `${second} ${first}`] ?? same;
    byId('run-paired').textContent = found.paired;
    const lines = found.changes.map(([name, before, after]) => {
      const line = document.createElement('tr'), head = element('th', name);
      head.scope = 'row';
      line.append(head);
      for (const text of first < second ? [before, after] : [after, before]) {
        const cell = document.createElement('td');
        cell.append(element('code', text));
        line.append(cell);
      }
      return line;
    });
    if (!lines.length) {
      const line = document.createElement('tr');
      const cell = element('td', 'None: same data, base weights and configuration.');
      cell.colSpan = 3;
      line.append(cell);
      lines.push(line);
    }
    byId('run-changes').tBodies[0].replaceChildren(...lines);
  }
  if (byId('run-a')) for (const id of ['run-a', 'run-b']) byId(id).addEventListener('change', compare);

  // --- print -----------------------------------------------------------------------------------------------------
  // Unfolds the details for printing, except the long tables of folders and files.
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('details:not([open], .long)')];
    for (const item of opened) item.open = true;
  });
  addEventListener('afterprint', () => { for (const item of opened) item.open = false; });
})();
