// Copyright 2026 The face-gender pipeline authors.
// SPDX-License-Identifier: Apache-2.0
// The metrics of a slice at any threshold, with the intervals of components/evaluator/intervals.py.

const Z = 1.959963984540054; // of a 95 % interval

// The logarithm of the gamma function (Lanczos; Press et al., Numerical Recipes, section 6.1).
function logGamma(x) {
  const series = [76.18009172947146, -86.50532032941677, 24.01409824083091, -1.231739572450155, 0.1208650973866179e-2,
    -0.5395239384953e-5].reduce((sum, part, i) => sum + part / (x + 1 + i), 1.000000000190015);
  return Math.log(2.5066282746310005 * series / x) - (x + 5.5) + (x + 0.5) * Math.log(x + 5.5);
}

// The regularized incomplete beta function by its continued fraction (Numerical Recipes, section 6.4).
function beta(x, a, b) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - beta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x)) / a;
  const tiny = (value) => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let c = 1, d = 1 / tiny(1 - (a + b) * x / (a + 1)), result = d;
  for (let m = 1; m < 300; m++) {
    for (const part of [m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
      -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))]) {
      d = 1 / tiny(1 + part * d);
      c = tiny(1 + part / c);
      result *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-12) break;
  }
  return front * result;
}

function betaQuantile(p, a, b) {
  let low = 0, high = 1;
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (beta(middle, a, b) < p) low = middle; else high = middle;
  }
  return (low + high) / 2;
}

// Clopper and Pearson's interval; null without trials.
function proportion(k, n) {
  if (!n) return null;
  return {
    value: k / n,
    low: k ? betaQuantile(0.025, k, n - k + 1) : 0,
    high: k < n ? betaQuantile(0.975, k + 1, n - k) : 1,
  };
}

function wilson(k, n) {
  const p = k / n, centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n);
  const half = Z / (1 + Z * Z / n) * Math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

// Newcombe's hybrid score interval of k/n - j/m; null without trials.
function difference(k, n, j, m) {
  if (!n || !m) return null;
  const one = k / n, other = j / m, [low, high] = wilson(k, n), [otherLow, otherHigh] = wilson(j, m);
  return {
    value: one - other,
    low: Math.max(-1, one - other - Math.hypot(one - low, otherHigh - other)),
    high: Math.min(1, one - other + Math.hypot(high - one, other - otherLow)),
  };
}

// Newcombe's hybrid score interval for pairs, of the first proportion minus the second; null without trials.
function pairedDifference(both, firstOnly, secondOnly, neither) {
  const n = both + firstOnly + secondOnly + neither;
  if (!n) return null;
  const one = (both + firstOnly) / n, other = (both + secondOnly) / n;
  const [low, high] = wilson(both + firstOnly, n), [otherLow, otherHigh] = wilson(both + secondOnly, n);
  const margins = (both + firstOnly) * (secondOnly + neither) * (both + secondOnly) * (firstOnly + neither);
  let product = both * neither - firstOnly * secondOnly;
  if (product > 0) product = Math.max(product - n / 2, 0);
  const phi = margins ? product / Math.sqrt(margins) : 0;
  const reach = (x, y) => Math.sqrt(Math.max(x * x - 2 * phi * x * y + y * y, 0));
  return {
    value: one - other,
    low: Math.max(-1, one - other - reach(one - low, otherHigh - other)),
    high: Math.min(1, one - other + reach(high - one, other - otherLow)),
  };
}

// The two-sided p-value of McNemar's exact test.
function mcnemar(firstOnly, secondOnly) {
  const least = Math.min(firstOnly, secondOnly), n = firstOnly + secondOnly;
  return firstOnly === secondOnly ? 1 : Math.min(1, 2 * beta(0.5, n - least, least + 1));
}

// Benjamini and Hochberg's correction.
function benjaminiHochberg(ps) {
  const largestFirst = ps.map((_, place) => place).sort((i, j) => ps[j] - ps[i]), corrected = [];
  let least = 1;
  largestFirst.forEach((place, before) => { corrected[place] = least = Math.min(least, ps[place] * (ps.length / (ps.length - before))); });
  return corrected;
}

// The ratio of two proportions with Katz's logarithmic interval (Biometrics 34, 1978); null if either is 0.
function ratio(k, n, j, m) {
  if (!k || !j) return null;
  const value = (k / n) / (j / m), error = Z * Math.sqrt(1 / k - 1 / n + 1 / j - 1 / m);
  return { value, low: value * Math.exp(-error), high: value * Math.exp(error) };
}

// The confusion counts of a slice of the page's data at a step of the slider.
function countsAt(slice, step) {
  const tp = slice.women_female[step], fp = slice.men_female[step];
  return { tp, fn: slice.women - tp, fp, tn: slice.men - fp };
}

// [hits, trials] of each rate. `selection` is the share predicted female.
function ratesOf({ tp, fn, fp, tn }) {
  const women = tp + fn, men = fp + tn, both = women && men;
  return {
    accuracy: [tp + tn, women + men],
    precision: [tp, both ? tp + fp : 0],
    recall: [tp, women],
    specificity: [tn, men],
    'false positive rate': [fp, men],
    selection: [tp + fp, women + men],
  };
}

// Every metric of a slice at a step; AUC and AUC-PR do not depend on it.
function metricsAt(slice, step) {
  const counts = countsAt(slice, step), { tp, fn, fp, tn } = counts;
  const metrics = Object.fromEntries(Object.entries(ratesOf(counts)).map(([name, pair]) => [name, proportion(...pair)]));
  return { ...metrics, auc: slice.auc, auc_pr: slice.auc_pr, gap: difference(tp, tp + fn, tn, fp + tn), counts };
}
