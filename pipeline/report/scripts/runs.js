// Copyright 2026 The face-gender pipeline authors.
// SPDX-License-Identifier: Apache-2.0
// The comparison of two runs.

function compare() {
  const [first, second] = ['run-a', 'run-b'].map((id) => Number(byId(id).value));
  for (const row of byId('run-table').tBodies[0].rows) {
    const pair = [first, second].map((run) => data.runs[run][row.dataset.group]?.[row.dataset.measure] ?? null);
    pair.forEach((metric, place) => {
      const cell = row.cells[place + 1];
      fill(cell, metric);
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
