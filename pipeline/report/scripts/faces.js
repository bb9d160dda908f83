// Copyright 2026 The face-gender pipeline authors.
// SPDX-License-Identifier: Apache-2.0
// The faces of a slice, a heat cell or a bar: right and wrong, in order; one opens large.

const AT_ONCE = 24;
const faces = data.faces.map((face, place) => ({ ...face, place }));
let shownFaces = [], room = AT_ONCE;

const isFemale = (face) => face.cuts > step(); // `cuts` is the number of thresholds below the score
const isWrong = (face) => isFemale(face) !== (face.gender === 'female');
const inSlice = (face, slice) => Object.entries(slice.where).every(([name, value]) => face[name] === value);
// How far the score is on the wrong side of the threshold.
const wrongness = (face) => (face.score - step() / 100) * (face.gender === 'female' ? -1 : 1);

function describe(face) {
  const extra = data.columns.filter((name) => face[name]).map((name) => `${name.replaceAll('_', ' ')} ${named(name, face[name])}`);
  return [`labelled ${face.gender}, age ${face.age || 'unknown'}`, ...extra, `predicted ${isFemale(face) ? 'female' : 'male'}`].join('; ');
}

function named(column, value) {
  return data.names[column]?.[value] ?? value;
}

function card(face) {
  const item = element('li'), button = element('button', '', 'face');
  button.type = 'button';
  button.setAttribute('aria-label', `${describe(face)}; score ${fixed(face.score, 3)}. Open large`);
  if (face.image) {
    const image = element('img');
    image.src = face.image;
    image.alt = '';
    button.append(image);
  } else button.append(element('span', 'no picture', 'blank'));
  button.append(element('span', fixed(face.score, 3), isWrong(face) ? 'score wrong' : 'score'));
  button.addEventListener('click', () => open(shownFaces.indexOf(face)));
  item.append(button);
  return item;
}

function showFaces() {
  const slice = sliceNamed(state.slice), [from, to] = [state.from, state.to].map((text) => (text === '' ? null : Number(text)));
  const here = faces.filter((face) => inSlice(face, slice) &&
    (from === null || face.score >= from) && (to === null || face.score < to || (to === 1 && face.score === 1)));
  const wrong = here.filter(isWrong);
  shownFaces = { wrong, right: here.filter((face) => !isWrong(face)), all: here }[state.show] ??
    (['lost', 'won'].includes(state.show) ? here.filter((face) => changeOf(face) === state.show) : wrong);
  const key = { wrong: (face) => -wrongness(face), score: (face) => face.score, unsure: (face) => Math.abs(face.score - step() / 100) };
  const value = key[state.order] ?? key.wrong;
  shownFaces = [...shownFaces].sort((a, b) => value(a) - value(b) || a.place - b.place);
  byId('face-slice').value = state.slice;
  byId('face-show').value = state.show;
  byId('face-order').value = state.order;
  const range = from === null ? '' : `, scores ${fixed(from, 2)} to ${fixed(to, 2)}`;
  const all = slice.women + slice.men;
  const partly = from === null && here.length < all ? ` (the page has ${whole(here.length)} of them)` : '';
  byId('face-count').textContent = `${slice.name || 'All faces'}${range}: ${whole(from === null ? all : here.length)} faces${partly}, ` +
    `${whole(wrong.length)} wrong at ${(step() / 100).toFixed(2)}; ${whole(shownFaces.length)} shown.`;
  byId('face-list').replaceChildren(...shownFaces.slice(0, room).map(card));
  byId('face-more').hidden = shownFaces.length <= room;
  byId('face-range').hidden = from === null;
}

// --- one face -------------------------------------------------------------------------------------------------------
const dialog = byId('face-dialog');
let current = 0;
function open(place) {
  current = Math.max(0, Math.min(place, shownFaces.length - 1));
  const face = shownFaces[current];
  if (!face) return;
  const image = element('img');
  image.src = face.image ?? '';
  image.alt = `Face labelled ${face.gender}`;
  byId('face-picture').replaceChildren(...(face.image ? [image] : []));
  byId('face-title').textContent = `Score ${fixed(face.score, 4)}, ${isWrong(face) ? 'wrong' : 'right'} at ${(step() / 100).toFixed(2)}`;
  const facts = [['label', face.gender], ['predicted', isFemale(face) ? 'female' : 'male'], ['age', face.age || 'unknown'],
    ...data.columns.map((name) => [name.replaceAll('_', ' '), named(name, face[name]) || '–']), ['file', face.path]];
  byId('face-facts').replaceChildren(...facts.flatMap(([name, value]) => [element('dt', name), element('dd', String(value))]));
  byId('face-place').textContent = `${current + 1} of ${shownFaces.length}`;
  if (!dialog.open) dialog.showModal();
}
byId('face-before').addEventListener('click', () => open(current - 1));
byId('face-after').addEventListener('click', () => open(current + 1));
byId('face-close').addEventListener('click', () => dialog.close());
dialog.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowLeft') open(current - 1);
  if (event.key === 'ArrowRight') open(current + 1);
});

// --- the ways here --------------------------------------------------------------------------------------------------
function drill(changes) {
  room = AT_ONCE;
  update({ from: '', to: '', ...changes });
  byId('explore').scrollIntoView();
  byId('face-slice').focus({ preventScroll: true });
}
for (const link of document.querySelectorAll('[data-drill]')) {
  link.addEventListener('click', (event) => { event.preventDefault(); drill({ slice: data.slices[link.dataset.drill].name, show: 'wrong' }); });
}
for (const bar of document.querySelectorAll('#histogram [data-from]')) {
  const act = () => drill({ slice: bar.dataset.gender, from: bar.dataset.from, to: bar.dataset.to, show: 'all' });
  bar.addEventListener('click', act);
  bar.addEventListener('keydown', (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); act(); } });
}
byId('face-slice').addEventListener('change', () => drill({ slice: byId('face-slice').value }));
byId('face-show').addEventListener('change', () => { room = AT_ONCE; update({ show: byId('face-show').value }); });
byId('face-order').addEventListener('change', () => update({ order: byId('face-order').value }));
byId('face-range').addEventListener('click', () => update({ from: '', to: '' }));
byId('face-more').addEventListener('click', () => { room += AT_ONCE * 4; showFaces(); });
listeners.push((changed) => { if (changed.some((key) => ['t', 'slice', 'show', 'order', 'from', 'to', 'a', 'b'].includes(key))) showFaces(); });
