// Copyright 2026 The face-gender pipeline authors.
// SPDX-License-Identifier: Apache-2.0
// The page's data, its state, and the address that keeps the state: #t=45&slice=ages+01-10&show=wrong …

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId('report-data').textContent);
document.documentElement.classList.add('js');

// A number as Python writes it: halves that are exact go to the even digit.
function fixed(value, digits) {
  const exact = Math.abs(value).toFixed(20), head = exact.slice(0, digits - 20), tie = /^50*$/.test(exact.slice(digits - 20));
  return tie && Number(head.at(-1)) % 2 === 0 ? (value < 0 ? '-' : '') + head : value.toFixed(digits);
}
const signed = (value, digits = 3) => (value < 0 ? '−' : '+') + fixed(Math.abs(value), digits);
const whole = (value) => value.toLocaleString('en-US');
const DEFAULTS = {
  t: '50', slice: '', show: 'wrong', order: 'wrong', from: '', to: '', metric: 'accuracy', kind: '', text: '', least: '0',
  sort: 'value', baseline: '', a: '', b: '',
};
const state = { ...DEFAULTS };
const listeners = [];

// An element with text only, so that names cannot become markup.
function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text ?? '';
  if (kind) made.className = kind;
  return made;
}

// A value with its interval, or a dash.
function fill(cell, metric, show = (value) => fixed(value, 3), to = '–') {
  cell.classList.toggle('none', !metric);
  if (!metric) { cell.textContent = '–'; return; }
  cell.replaceChildren(`${show(metric.value)} `, element('span', `${show(metric.low)}${to}${show(metric.high)}`, 'interval'));
}

const step = () => Number(state.t);
const sliceNamed = (name) => data.slices.find((slice) => slice.name === name) ?? data.slices[0];
// The slices at the current threshold, computed once for each.
let computed = { step: null, values: new Map() };
function metricsOf(slice) {
  if (computed.step !== step()) computed = { step: step(), values: new Map() };
  if (!computed.values.has(slice)) computed.values.set(slice, metricsAt(slice, step()));
  return computed.values.get(slice);
}

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (location.hash && ![...given.keys()].some((key) => key in DEFAULTS)) return; // the address of a section
  Object.assign(state, DEFAULTS);
  for (const key of Object.keys(DEFAULTS)) if (given.has(key)) state[key] = given.get(key);
  const cut = Number(state.t);
  if (!Number.isInteger(cut) || cut < 0 || cut > 100) state.t = DEFAULTS.t;
}

function writeAddress() {
  const changed = Object.entries(state).filter(([key, value]) => value !== DEFAULTS[key]);
  const text = new URLSearchParams(changed).toString();
  // A frame without an origin may not change its address.
  try { history.replaceState(null, '', text ? `#${text}` : location.pathname + location.search); } catch { /* no address */ }
}

// Changes the state, the address and everything that shows it.
function update(changes) {
  Object.assign(state, changes);
  writeAddress();
  for (const listener of listeners) listener(Object.keys(changes));
}
addEventListener('hashchange', () => { readAddress(); for (const listener of listeners) listener(Object.keys(state)); });
