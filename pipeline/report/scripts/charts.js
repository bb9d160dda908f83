// Copyright 2026 The face-gender pipeline authors.
// SPDX-License-Identifier: Apache-2.0
// The values of the charts: near the pointer, and by the arrow keys.

const tip = element('div', '', 'tip');
tip.hidden = true;
tip.setAttribute('aria-hidden', 'true'); // screen readers have the text from the chart itself
document.body.append(tip);

function showTip(text, { x, y }) {
  tip.textContent = text;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x - width / 2, document.documentElement.clientWidth - width - 4))}px`;
  tip.style.top = `${y - height - 12 > 0 ? y - height - 12 : y + 14}px`;
}
function hideTip() { tip.hidden = true; }
addEventListener('scroll', hideTip, { passive: true });

function makeReadable(chart) {
  const stops = JSON.parse(chart.dataset.stops), ring = document.createElementNS(chart.namespaceURI, 'circle');
  ring.setAttribute('class', 'stop');
  ring.setAttribute('r', 5);
  ring.setAttribute('visibility', 'hidden');
  chart.append(ring);
  let at = 0;
  const show = (place) => {
    at = Math.max(0, Math.min(place, stops.length - 1));
    const [x, y, text] = stops[at];
    ring.setAttribute('cx', x);
    ring.setAttribute('cy', y);
    ring.setAttribute('visibility', 'visible');
    chart.setAttribute('aria-valuenow', at + 1);
    chart.setAttribute('aria-valuetext', text);
    showTip(text, new DOMPoint(x, y).matrixTransform(chart.getScreenCTM()));
  };
  const hide = () => { ring.setAttribute('visibility', 'hidden'); hideTip(); };
  // A slider is the role for a value that the arrow keys choose.
  for (const [name, value] of Object.entries({
    role: 'slider', tabindex: 0, 'aria-valuemin': 1, 'aria-valuemax': stops.length, 'aria-valuenow': 1,
    'aria-valuetext': stops[0][2],
  })) chart.setAttribute(name, value);
  chart.addEventListener('pointermove', (event) => {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
    const distances = stops.map(([across, down]) => Math.hypot(across - x, down - y));
    show(distances.indexOf(Math.min(...distances)));
  });
  chart.addEventListener('pointerleave', hide);
  chart.addEventListener('focus', () => show(at));
  chart.addEventListener('blur', hide);
  chart.addEventListener('keydown', (event) => {
    const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, PageUp: at + 10, PageDown: at - 10,
      Home: 0, End: stops.length - 1 }[event.key];
    if (event.key === 'Escape') hide();
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  });
}
for (const chart of document.querySelectorAll('svg[data-stops]')) makeReadable(chart);

// The bars of the histogram are buttons of their own.
for (const bar of document.querySelectorAll('#histogram [data-from]')) {
  const show = () => {
    const { left, width, top } = bar.getBoundingClientRect();
    showTip(bar.getAttribute('aria-label'), { x: left + width / 2, y: top });
  };
  for (const [name, act] of [['pointerenter', show], ['focus', show], ['pointerleave', hideTip], ['blur', hideTip]]) {
    bar.addEventListener(name, act);
  }
}
