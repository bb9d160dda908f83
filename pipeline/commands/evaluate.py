# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`evaluate`: measures a finished model on other labelled faces."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from components.errors import InputError
from pipeline import config as configuration
from pipeline.commands import arguments


def add(commands: Any) -> None:
    """Declares the command."""
    evaluate = commands.add_parser(
        'evaluate', help='evaluate a finished model on other labelled faces',
        description='Evaluates an exported or a served model on all faces of a folder, with the slices, thresholds and '
        'report of "run" but without training. The exit status is that of "run".',
    )  # fmt: skip
    model = evaluate.add_mutually_exclusive_group(required=True)
    model.add_argument(
        '--model',
        type=arguments.path,
        metavar='DIR',
        help='a run directory, its serving directory, or the folder of one version',
    )
    arguments.add_server(evaluate, model)
    evaluate.add_argument(
        '--baseline', type=arguments.path, metavar='DIR', help='another model, to compare with on the same faces'
    )
    evaluate.add_argument(
        '--data',
        type=arguments.path_or_uri,
        required=True,
        metavar='DIR|URI',
        help='the folder of the faces, local, gs:// or s3://BUCKET/FOLDER',
    )
    arguments.add_layout(evaluate)
    evaluate.add_argument(
        '--detect',
        action='store_true',
        help='align the largest face of each image to the framing of the training images; images without a face are '
        'left out',
    )
    arguments.add_framing(evaluate)
    evaluate.add_argument(
        '--output',
        type=arguments.path,
        required=True,
        metavar='DIR',
        help='the folder of the results; created if needed',
    )
    evaluate.add_argument(
        '--config', type=os.path.expanduser, metavar='NAME|FILE',
        help="thresholds and data settings (default: those of the model's run, if it is known, else vgg_face)",
    )  # fmt: skip
    arguments.add_set(evaluate, 'evaluation.min_accuracy=0.9')
    arguments.add_display(evaluate)
    evaluate.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    from pipeline.report import compared, page
    from pipeline.runners import displays, evaluation
    from pipeline.runs import history
    from pipeline.serving import framed

    model = evaluation.served(arguments.server(options)) if options.server else evaluation.exported(options.model)
    baseline = evaluation.exported(options.baseline) if options.baseline else None
    # Every face counts, unless the user says otherwise.
    overrides = ['data.per_folder=null', *arguments.layout_override(options)]
    if options.detect:
        given = options.framing or (None if options.server else Path(model.name))
        if given is None:
            raise InputError('--detect: --server sends no framing; give --framing')
        overrides += framed.overrides(framed.read(given))
    overrides += options.set
    if options.config is None and model.config:
        if options.layout:  # the run's directories are those of its own layout
            overrides.insert(0, 'data.directories=null')
        config = configuration.override(model.config, overrides)
    else:
        config = configuration.load(options.config or arguments.DEFAULT_CONFIG, overrides)
    display = displays.choose(options.quiet, options.json)
    result = evaluation.evaluate(config, options.data, model, options.output, display, baseline)
    display.result(result.outcome())
    if not options.json and not (options.quiet and result.blessed):
        print(history.metrics_table(result.evaluation))
        if result.blessed:
            print(f'The model {model.name} meets every threshold.')
        else:
            print(f'The model {model.name} misses:')
            for reason in result.reasons:
                print(f'  {reason}')
        if baseline and result.evaluated:
            print(compared.same_faces(result.evaluated.paired, baseline.name, model.name))
        print(f'Report: {options.output / page.FOLDER / "index.html"}')
    return 0 if result.blessed else config.evaluation.exit_status_not_blessed
