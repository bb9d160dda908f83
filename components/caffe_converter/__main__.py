# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The converter's command line: `python -m components.caffe_converter`, installed as `caffe-converter`."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from components import interrupts
from components.errors import InputError, RunError

# Other modules are imported inside functions: until `main` handles signals, Ctrl-C prints Python's traceback.
if TYPE_CHECKING:
    from components.caffe_converter.network import Network
    from components.caffe_converter.summary import NetworkSummary

_PROGRAM = 'caffe-converter'
_SUFFIXES = {'hdf5': '.h5', 'pickle': '.pkl', 'keras': '.keras'}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description='Converts a Caffe network to Keras, without Caffe.',
        epilog='Exit status: 0 on success, 2 for unusable arguments or files, 1 for other failures, 130 or 143 if '
        'interrupted (SIGINT, SIGTERM). '
        'Messages go to stderr, tables to stdout.',
    )
    parser.add_argument(
        'out_file', type=os.path.expanduser, metavar='OUT_FILE', help='file to write; the ending is optional'
    )
    parser.add_argument(
        'prototxt',
        type=os.path.expanduser,
        metavar='PROTOTXT',
        help='network, V1 or V2; a train_val file gives its TEST net',
    )
    parser.add_argument('caffemodel', type=os.path.expanduser, metavar='CAFFEMODEL', help='its weights, V1 or V2')
    parser.add_argument(
        '-f', '--format', choices=list(_SUFFIXES), default='hdf5',
        help='hdf5: weights for load_weights (default); keras: the whole model; pickle: weights as plain dictionaries',
    )  # fmt: skip
    parser.add_argument(
        '-n', '--include_non_weight', '--include-non-weight', action='store_true',
        help='also list layers without weights; hdf5 always does',
    )  # fmt: skip
    parser.add_argument(
        '-u', '--skip_unknown', '--skip-unknown', action='store_true',
        help='leave out layers of unknown types instead of stopping: only their weights with -f hdf5 or pickle; '
        'with -f keras also what depends on them',
    )  # fmt: skip
    parser.add_argument(
        '-b', '--backend', default='tensorflow', metavar='NAME',
        help='tensorflow or tf (default), jax or torch: the weights are the same. theano flips kernels and is refused',
    )  # fmt: skip
    parser.add_argument('-v', '--verbose', action='store_true', help='list each layer and its weights on stderr')
    parser.add_argument('--output-layer', metavar='NAME', help='convert only this layer and its ancestors')
    parser.add_argument(
        '--input-size', nargs=2, type=int, metavar=('H', 'W'), help='size of image inputs, overriding the prototxt'
    )
    parser.add_argument(
        '--input-shape', action='append', default=[], metavar='NAME=C,H,W', type=_input_shape,
        help="shape of one input without the batch, in Caffe's order, overriding the prototxt; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        '--with-preprocessing', action='store_true',
        help="with -f keras: put mean, scale and channel order of the prototxt's data layer into the model, which then "
        'takes RGB (or gray), 0-255',
    )  # fmt: skip
    parser.add_argument('--summary', action='store_true', help='print layer, type, output shape, parameters and FLOPs')
    parser.add_argument(
        '--hand-built', action='store_true',
        help="with -f hdf5: for a hand-written model of stock Keras layers: the prototxt's order, BatchNorm and "
        'Scale as one BatchNormalization',
    )  # fmt: skip
    return parser


def _input_shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, dims = text.rpartition('=')
    shape = tuple(int(dim) for dim in dims.split(',')) if re.fullmatch(r'[0-9]{1,6}(,[0-9]{1,6}){0,30}', dims) else ()
    if not name or not shape or min(shape) < 1:
        raise argparse.ArgumentTypeError(f'expected NAME=C,H,W, as in data=3,224,224, found {text!r}')
    return name, shape


def _check_options(options: argparse.Namespace) -> Path:
    """Returns the file to write. Raises InputError for unusable options."""
    if options.backend not in ('tensorflow', 'tf', 'jax', 'torch'):
        raise InputError(f'-b: expected tensorflow, jax or torch, found {options.backend!r}; omit -b')
    if options.hand_built and options.format != 'hdf5':
        raise InputError(f'--hand-built: expected -f hdf5, found -f {options.format}')
    if options.with_preprocessing and options.format != 'keras':
        raise InputError(
            f'--with-preprocessing: expected -f keras, found -f {options.format}; the others hold weights only'
        )
    if options.input_size and not all(0 < n < 1 << 16 for n in options.input_size):
        raise InputError(f'--input-size: expected two numbers from 1 to 65535, found {options.input_size}')
    out = Path(options.out_file)
    if out.suffix not in (_SUFFIXES[options.format], *(['.hdf5'] if options.format == 'hdf5' else [])):
        out = out.with_name(out.name + _SUFFIXES[options.format]) if out.name else out
    if out.is_dir() or not out.name:
        raise InputError(f'{out}: expected a file to write, found a folder; give a file name')
    if not out.parent.is_dir():
        raise InputError(f'{out}: expected a folder to write to, found no folder {out.parent}; make it first')
    if any(os.path.exists(out) and os.path.exists(p) and os.path.samefile(out, p)
           for p in (options.prototxt, options.caffemodel)):  # fmt: skip
        raise InputError(f'{out}: this file is an input; give OUT_FILE another name')
    return out


def _report(summary: NetworkSummary) -> None:
    from components.caffe_converter.message import printable

    print(f'{summary.prototxt}: network {summary.name!r}; {summary.caffemodel}: {summary.generation.upper()} layers',
          file=sys.stderr)  # fmt: skip
    for row in summary.layers:
        renamed = f' as {row.keras_name!r}' if row.keras_name != row.name else ''
        what = f'{row.parameters:,} parameters converted{renamed}' if row.parameters else 'no weights'
        print(f'  {printable(row.name)} ({row.type}): {what}', file=sys.stderr)


def _warn(network: Network, options: argparse.Namespace) -> None:
    """Says what the output lacks, and what the input needs."""
    from components.caffe_converter.preprocessing import preprocessing_of

    stored = {one.name: len(one.blobs) for one in network.model.layers} if network.model else {}
    for layer in network.skipped:
        count = stored.get(layer.stored_name, 0)
        lost = f'{count} blobs of weights are not converted' if count else 'it has no weights'
        ending = '; the model ends before it' if options.format == 'keras' else ''
        print(f'left out: {layer}, line {layer.line}: {lost}{ending}', file=sys.stderr)
    for step in network.steps:
        if step.doubtful and step.layer.type == 'InnerProduct' and step.plan.weights:
            print(
                f'check: {step.layer}, line {step.layer.line}: the order of its rows (H×W×C) assumes that '
                'the layers left out keep the shape of their input',
                file=sys.stderr,
            )
    for one in preprocessing_of(network).values():
        if options.with_preprocessing:
            kind = 'RGB' if one.shape[1] == 3 else f'{one.shape[1]} channels in the order of the network'
            height, width = one.shape[2:]
            print(f'{one}; the model does it: give float32 [B, {height}, {width}, {one.shape[1]}], {kind}, 0-255',
                  file=sys.stderr)  # fmt: skip
        elif one.changes:
            order = ' (BGR)' if one.shape[1] == 3 else ''
            print(f'{one}; do the same to your images{order} or use -f keras --with-preprocessing', file=sys.stderr)


def _run(options: argparse.Namespace) -> None:
    out = _check_options(options)
    from components.caffe_converter import outputs
    from components.caffe_converter.message import printable
    from components.caffe_converter.network import open_network
    from components.caffe_converter.summary import summarise

    network = open_network(
        options.prototxt, options.caffemodel, output_layer=options.output_layer,
        input_size=tuple(options.input_size) if options.input_size else None, skip_unknown=options.skip_unknown,
        input_shapes=dict(options.input_shape), weights_only=options.format != 'keras',
    )  # fmt: skip
    summary = summarise(network)
    _warn(network, options)
    if options.verbose:
        _report(summary)
    if options.summary:
        print(summary.table())
    if options.format == 'keras':
        _import_keras()
    custom_layers: list[str] = []
    try:
        with interrupts.as_exception():  # removes the unfinished file
            if options.format == 'hdf5':
                outputs.write_hdf5(network, out, hand_built=options.hand_built, quiet=False)
            elif options.format == 'pickle':
                outputs.write_pickle(network, out, include_non_weight=options.include_non_weight, quiet=False)
            else:
                custom_layers = outputs.write_keras(
                    network, out, quiet=False, with_preprocessing=options.with_preprocessing
                )
    except OSError as error:
        # h5py puts its whole call stack into the message; the errno is enough.
        reason = os.strerror(error.errno) if error.errno else str(error).splitlines()[0]
        raise InputError(f'{out}: cannot be written: {reason}; give another OUT_FILE') from None
    names = ', '.join(dict.fromkeys(printable(name) for name, _ in summary.outputs))
    print(f'{out}: {summary.parameters:,} parameters, {len(summary.layers)} layers up to {names}', file=sys.stderr)
    if custom_layers:
        print(
            f'{out}: import components.caffe_converter.keras_layers before you load this file '
            f'(stock Keras has no {", ".join(custom_layers)} of Caffe)',
            file=sys.stderr,
        )


def _import_keras() -> None:
    """Imports Keras, which takes seconds, before an interruption is an exception: imports may swallow one."""
    try:
        import components.caffe_converter.build  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            f'-f keras: needs Keras and TensorFlow, and {error.name} is not installed; '
            "install 'keras>=3.15,<4' and 'tensorflow>=2.21,<2.22', or use -f hdf5"
        ) from None


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Returns:
      The exit status. An interrupted conversion does not return: its process ends with status 130 (SIGINT) or 143
      (SIGTERM).
    """
    with interrupts.at_once(_PROGRAM) as message:
        message.text = 'interrupted; nothing was written'
        options = _parser().parse_args(arguments)
        try:
            _run(options)
        except InputError as error:
            print(f'error: {error}', file=sys.stderr)
            return 2
        except RunError as error:
            print(f'error: {error}', file=sys.stderr)
            return 1
        except KeyboardInterrupt as interrupt:  # while the file was written
            interrupts.end(interrupt.args[0] if interrupt.args else signal.SIGINT, _PROGRAM, message)
    return 0


if __name__ == '__main__':
    sys.exit(main())
