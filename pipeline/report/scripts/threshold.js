// Copyright 2026 The face-gender pipeline authors.
// SPDX-License-Identifier: Apache-2.0
// One threshold for every table, bar, heat cell, matrix and curve point.

// The scale of the plots: the margins of svg.Plot are 42 left, 14 right, 26 top, 40 bottom.
const box = byId('histogram').viewBox.baseVal;
const across = (value) => 42 + value * (box.width - 56);
const down = (value) => box.height - 40 - value * (box.height - 66);

function movePlots(cut, { recall, specificity, precision }) {
  byId('histogram-threshold').setAttribute('points', `${across(cut)},${down(0)} ${across(cut)},${down(1)}`);
  const place = (id, x, y) => {
    const point = byId(id);
    if (!point) return;
    point.setAttribute('visibility', x === undefined || y === undefined ? 'hidden' : 'visible');
    point.setAttribute('cx', across(x ?? 0));
    point.setAttribute('cy', down(y ?? 0));
  };
  place('roc-point', specificity ? 1 - specificity.value : undefined, recall?.value);
  place('pr-point', recall?.value, precision?.value);
}

function showThreshold() {
  const cut = (step() / 100).toFixed(2), overall = data.slices[0], chosen = metricsOf(sliceNamed(state.slice));
  byId('cut').value = state.t;
  byId('cut').setAttribute('aria-valuetext', cut);
  byId('cut-value').textContent = cut;
  byId('cut-slice').value = state.slice;
  for (const [id, value] of Object.entries(chosen.counts)) byId(id).textContent = whole(value);
  fill(byId('rate-female'), chosen.recall);
  fill(byId('rate-male'), chosen.specificity);
  for (const id of ['accuracy', 'precision', 'selection']) fill(byId(id), chosen[id]);
  fill(byId('difference'), chosen.gap, signed, ' to ');
  movePlots(step() / 100, metricsOf(overall));
  for (const cell of document.querySelectorAll('[data-slice][data-metric]')) {
    const metric = metricsOf(data.slices[cell.dataset.slice])[cell.dataset.metric];
    if (cell.dataset.form === 'percent') cell.textContent = metric ? `${fixed(metric.value * 100, 1)}\u00a0%` : '–';
    else if (cell.dataset.form === 'points') {
      cell.textContent = metric ? `${signed(metric.value * 100).slice(0, -2)} points` : '–';
    } else if (cell.dataset.form === 'heat') {
      cell.textContent = fixed(metric.value, 3);
      cell.closest('td').className = `heat-${Math.min(Math.round((1 - metric.value) * 20), 9)}`;
    } else fill(cell, metric);
  }
  const moved = state.t !== DEFAULTS.t;
  document.documentElement.classList.toggle('moved', moved);
  for (const note of document.querySelectorAll('.moved-note')) {
    note.hidden = !moved;
    note.querySelector('output').textContent = cut;
  }
  clearTimeout(showThreshold.timer);
  showThreshold.timer = setTimeout(() => {
    const { tp, fn, fp, tn } = chosen.counts;
    byId('cut-summary').textContent = `At ${cut}${state.slice ? `, ${state.slice}` : ''}: correct for ${whole(tp)} of ` +
      `${whole(tp + fn)} women and ${whole(tn)} of ${whole(tn + fp)} men.`;
  }, 250);
}

byId('cut').addEventListener('input', () => update({ t: byId('cut').value }));
byId('cut-slice').addEventListener('change', () => update({ slice: byId('cut-slice').value }));
for (const button of document.querySelectorAll('[data-cut]')) {
  button.addEventListener('click', () => update({ t: button.dataset.cut }));
}
listeners.push((changed) => { if (changed.some((key) => key === 't' || key === 'slice')) showThreshold(); });

// --- rates of each group beside a baseline -------------------------------------------------------------------------
const rateTable = byId('rate-table');
function showRates() {
  const base = sliceNamed(state.baseline), baseRates = ratesOf(metricsOf(base).counts);
  byId('baseline').value = state.baseline;
  const name = byId('rate-name').value;
  for (const row of rateTable.tBodies[0].rows) {
    const slice = data.slices[row.dataset.row], own = ratesOf(metricsOf(slice).counts);
    for (const cell of row.querySelectorAll('[data-rate]')) fill(cell, proportion(...own[cell.dataset.rate]));
    fill(row.querySelector('.rate-difference'), slice === base ? null : difference(...own[name], ...baseRates[name]), signed, ' to ');
    fill(row.querySelector('.rate-ratio'), slice === base ? null : ratio(...own[name], ...baseRates[name]));
  }
}
byId('baseline').addEventListener('change', () => update({ baseline: byId('baseline').value }));
byId('rate-name').addEventListener('change', showRates);
listeners.push((changed) => { if (changed.some((key) => key === 't' || key === 'baseline')) showRates(); });
