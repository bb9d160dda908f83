// Copyright 2026 The face-gender pipeline authors.
// SPDX-License-Identifier: Apache-2.0
// The comparison of any two runs: metrics, slices, the faces that changed, and the settings.

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const has = (bytes, place) => (bytes[place >> 3] >> (place & 7)) & 1;
const rights = data.runs.map((run) => (run.right ? bytesOf(run.right) : null));
const members = data.sets.map((slices) => new Map(Object.entries(slices).map(([name, text]) => [name, bytesOf(text)])));

// The places of the two chosen runs; the address has their ids.
function chosenRuns() {
  return ['a', 'b'].map((key, end) => {
    const place = data.runs.findIndex((run) => run.id === state[key]);
    return place < 0 ? data.pair[end] : place;
  });
}

function whyUnpaired(a, b) {
  return a === b ? 'Both are the same run' : data.comparisons[a < b ? `${a} ${b}` : `${b} ${a}`].why;
}

// The faces of a slice that both runs classify correctly, only the second, only the first, neither.
function pairCounts(a, b, name) {
  const counts = [0, 0, 0, 0], inside = members[data.runs[b].set].get(name), [one, other] = [rights[a], rights[b]];
  for (let place = 0; place < inside.length * 8; place++) {
    if (has(inside, place)) counts[has(other, place) ? (has(one, place) ? 0 : 1) : (has(one, place) ? 2 : 3)]++;
  }
  return counts;
}

function sliceChanges(a, b) {
  const [before, after] = [data.runs[a].slices, data.runs[b].slices], paired = !whyUnpaired(a, b);
  const rows = Object.keys(after).filter((name) => name in before && after[name][1] && before[name][1]).map((name) => {
    const [right, faces] = after[name], [other, earlier] = before[name];
    if (!paired || !members[data.runs[b].set].has(name)) {
      const change = difference(right, faces, other, earlier);
      return { name, faces: `${whole(earlier)} / ${whole(faces)}`, from: other / earlier, to: right / faces, change };
    }
    const counts = pairCounts(a, b, name), [both, won, lost] = counts, change = pairedDifference(...counts);
    const [from, to] = [(both + lost) / faces, (both + won) / faces];
    return { name, faces: whole(faces), from, to, change, lost, won, p: mcnemar(won, lost) };
  });
  const tested = rows.filter((row) => row.p !== undefined), corrected = benjaminiHochberg(tested.map((row) => row.p));
  tested.forEach((row, place) => { row.corrected = corrected[place]; });
  return rows;
}

function inWords(a, b, rows) {
  const why = whyUnpaired(a, b);
  if (why) return a === b ? `${why}.` : `No comparison face by face: ${why}.`;
  const [all, ...slices] = rows.filter((row) => row.p !== undefined), [from, to] = [data.runs[a].id, data.runs[b].id];
  const verdict = all.p < 0.05 ? 'more than chance explains' : 'chance alone can explain this';
  const p = all.p < 0.001 ? 'p < 0.001' : `p = ${fixed(all.p, 3)}`;
  const beyond = slices.filter((row) => row.corrected < 0.05).sort((x, y) => Math.abs(y.change.value) - Math.abs(x.change.value));
  const named = beyond.map((row) => `${row.name} by ${signed(row.change.value * 100, 1)} points`).join('; ');
  const after = 'after correction for the slices looked at';
  return `Of the same ${all.faces} test faces, only ${from} is right about ${whole(all.lost)} and only ${to} about ` +
    `${whole(all.won)}: ${verdict} (McNemar’s exact test, ${p}). ` + (!slices.length ? '' : beyond.length ?
      `Beyond chance, ${after}: ${named}.` : `No slice changed by more than chance explains, ${after}.`);
}

// --- faces -----------------------------------------------------------------------------------------------------------
// Whether a face of this page was right in the first run and wrong in the second ('lost'), or the reverse ('won').
function changeOf(face) {
  if (!canList()) return null;
  const [a, b] = chosenRuns(), [before, after] = [has(rights[a], face.bit), has(rights[b], face.bit)];
  return before === after ? null : before ? 'lost' : 'won';
}

// The page has the test faces of its own run only.
function canList() {
  if (!byId('run-a') || faces[0]?.bit == null) return false;
  const [a, b] = chosenRuns();
  return !whyUnpaired(a, b) && data.runs[b].set === data.runs.find((run) => run.id === data.run)?.set;
}

function changeCell(row, show) {
  if (row[show] === undefined) return element('td', '–', 'none');
  const cell = element('td', row[show] && canList() ? '' : whole(row[show]));
  if (!cell.textContent) {
    const button = element('button', whole(row[show]), 'count');
    button.type = 'button';
    button.setAttribute('aria-label', `${row[show]} faces of ${row.name}, ${show === 'lost' ? 'right → wrong' : 'wrong → right'}`);
    button.addEventListener('click', () => drill({ slice: row.name === 'overall' ? '' : row.name, show }));
    cell.append(button);
  }
  return cell;
}

// --- the tables ------------------------------------------------------------------------------------------------------
function headed(name, cells) {
  const line = element('tr'), head = element('th', name);
  head.scope = 'row';
  line.append(head, ...cells);
  return line;
}

function compare() {
  const [a, b] = chosenRuns(), [from, to] = [data.runs[a], data.runs[b]];
  byId('run-a').value = a;
  byId('run-b').value = b;
  byId('run-names').textContent = `From ${from.title} to ${to.title}.`;
  for (const row of byId('run-table').tBodies[0].rows) {
    const pair = [from, to].map((run) => run.metrics[row.dataset.group]?.[row.dataset.measure] ?? null);
    pair.forEach((metric, place) => fill(row.cells[place + 1], metric));
    row.cells[3].textContent = pair[0] && pair[1] ? signed(pair[1].value - pair[0].value) : '–';
  }
  const rows = sliceChanges(a, b), p = (value) => (value === undefined ? '–' : value < 0.001 ? '<0.001' : fixed(value, 3));
  byId('run-paired').textContent = inWords(a, b, rows);
  byId('run-slices').tBodies[0].replaceChildren(...rows.map((row) => {
    const change = element('td');
    fill(change, row.change, signed, ' to ');
    return headed(row.name, [element('td', row.faces), element('td', fixed(row.from, 3)), element('td', fixed(row.to, 3)),
      change, changeCell(row, 'lost'), changeCell(row, 'won'), element('td', p(row.p)), element('td', p(row.corrected))]);
  }));
  const found = a === b ? [] : data.comparisons[a < b ? `${a} ${b}` : `${b} ${a}`].changes;
  const lines = found.map(([name, before, after]) => headed(name, (a < b ? [before, after] : [after, before]).map((text) => {
    const cell = element('td');
    cell.append(element('code', text));
    return cell;
  })));
  if (!lines.length) {
    const line = element('tr'), cell = element('td', 'None: same data, base weights and configuration.');
    cell.colSpan = 3;
    line.append(cell);
    lines.push(line);
  }
  byId('run-changes').tBodies[0].replaceChildren(...lines);
  for (const option of document.querySelectorAll('.needs-pair')) option.hidden = option.disabled = !canList();
}

if (byId('run-a')) {
  for (const [id, key] of [['run-a', 'a'], ['run-b', 'b']]) {
    byId(id).addEventListener('change', () => update({ [key]: data.runs[byId(id).value].id }));
  }
  listeners.push((changed) => { if (changed.some((key) => key === 'a' || key === 'b')) compare(); });
}
