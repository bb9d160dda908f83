# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What the notebook shows of a run beside TFMA's own views; needs the extra `notebook`."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd
import traitlets
from IPython.display import HTML
from tensorflow_data_validation.utils import display_util
from tensorflow_metadata.proto.v0 import statistics_pb2

from components import names
from components.evaluator import metrics
from components.evaluator.metrics import OVERALL, Metric, SliceMetrics
from components.io.files import any_path
from pipeline.runs import metadata
from pipeline.runs.history import COLUMNS, title


def artifacts(output: str, run_id: str) -> tuple[str, str]:
    """The folders of the evaluation and of the data's statistics of a run in a run directory."""
    run = next(run for run in metadata.runs(Path(output)) if run.id == run_id)
    evaluation, statistics = run.output('Evaluator', 'evaluation'), run.output('StatisticsGen', 'statistics')
    assert evaluation and statistics  # noqa: S101 - the command chooses a finished run
    return evaluation.uri, statistics.uri


def table(evaluation: str) -> pd.DataFrame:
    """The metrics of every slice, from the folder of an evaluation; NaN where undefined."""
    rows = {
        name: {'faces': measured.examples} | {title(column): _value(getattr(measured, column)) for column in COLUMNS}
        for name, measured in metrics.read(evaluation).by_name().items()
    }
    return pd.DataFrame.from_dict(rows, orient='index').round(3)


def _value(metric: Metric | None) -> float:
    return metric.value if metric else float('nan')


@ipywidgets.register
class FairnessIndicators(ipywidgets.DOMWidget):
    """TFMA's Fairness Indicators. TFMA 0.52 still has their script, but no Python class for them."""

    _view_name = traitlets.Unicode('FairnessIndicatorView').tag(sync=True)
    _model_name = traitlets.Unicode('FairnessIndicatorModel').tag(sync=True)
    _view_module = traitlets.Unicode('tensorflow_model_analysis').tag(sync=True)
    _model_module = traitlets.Unicode('tensorflow_model_analysis').tag(sync=True)
    # The names are the script's.
    slicingMetrics: Any = traitlets.List([]).tag(sync=True)
    slicingMetricsCompare: Any = traitlets.List([]).tag(sync=True)
    evalName = traitlets.Unicode('').tag(sync=True)
    evalNameCompare = traitlets.Unicode('').tag(sync=True)
    js_events: Any = traitlets.List([]).tag(sync=True)


def fairness_indicators(evaluation: str) -> FairnessIndicators:
    """The rates of every slice at the threshold 0.5 with their 95 % intervals, from the folder of an evaluation."""
    measured = metrics.read(evaluation)
    slices = [({}, measured.overall), *((item.slice, item.metrics) for item in measured.slices)]
    return FairnessIndicators(slicingMetrics=[_row(where, found) for where, found in slices])


def _row(where: dict[str, str], measured: SliceMetrics) -> dict[str, Any]:
    rates = {
        'true_positive_rate': measured.recall,
        'false_negative_rate': _complement(measured.recall),
        'true_negative_rate': measured.specificity,
        'false_positive_rate': _complement(measured.specificity),
        'precision': measured.precision,
    }
    found = {'accuracy': measured.accuracy, 'auc': measured.auc}
    found |= {f'fairness_indicators_metrics/{name}@{names.THRESHOLD}': rate for name, rate in rates.items()}
    # Slices are named as in tfma.slicer.stringify_slice_key.
    columns, values = '_X_'.join(where), '_X_'.join(where.values())
    return {
        'slice': f'{columns}:{values}' if where else OVERALL.capitalize(),
        'sliceValue': values or OVERALL.capitalize(),
        'metrics': {
            'example_count': {'doubleValue': measured.examples},
            **{name: _bounded(metric) for name, metric in found.items() if metric},
        },
    }


def _complement(metric: Metric | None) -> Metric | None:
    return metric and Metric(1 - metric.value, 1 - metric.high, 1 - metric.low)


def _bounded(metric: Metric) -> dict[str, Any]:
    return {'boundedValue': {'value': metric.value, 'lowerBound': metric.low, 'upperBound': metric.high}}


def statistics(folder: str) -> HTML:
    """TFDV's statistics of the training and the test split in Facets Overview, from the folder of the artifact.

    `tfdv.visualize_statistics` loads Facets from the web. The What-If Tool's package contains it too; Jupyter serves it
    from there.
    """
    files = {split: any_path(folder, f'Split-{split}', 'FeatureStats.pb') for split in (names.TRAIN, names.TEST)}
    read = {
        split: statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
        for split, file in files.items()
        if file.exists()
    }
    (one, first), *others = read.items()
    other, second = others[0] if others else ('', None)
    written = display_util.get_statistics_html(first, second, one, other)
    (proto,) = re.findall('proto-input="([^"]+)"', written)
    page = html.escape(_FACETS.replace('PROTO', proto))
    return HTML(
        f'<div><iframe title="Statistics" width="100%" height="700" style="border: 0" srcdoc="{page}"></iframe></div>'
    )


# The page of the What-If Tool defines the element, and then shows the tool itself: that part is cut off.
_FACETS = """<script>
fetch(parent.document.body.dataset.baseUrl + 'nbextensions/wit-widget/wit_jupyter.html')
  .then((answer) => answer.text())
  .then((page) => {
    document.open();
    document.write(page.slice(0, page.lastIndexOf('<wit-dashboard')) + '<facets-overview proto-input="PROTO">');
    document.close();
  });
</script>"""
