# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict`: classifies images with an exported or served model."""

from __future__ import annotations

import argparse
import contextlib
import csv
import functools
import io
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from components import names
from pipeline.commands import arguments

if TYPE_CHECKING:
    from pipeline.serving.predict import Classifier, Framer, Prediction

_COLUMNS = ('path', 'label', 'probability', 'error')
_BOX = ('left', 'top', 'right', 'bottom')
_FACE_COLUMNS = ('framing', *_BOX, 'confidence')  # with a model that has a framing


def add(commands: Any) -> None:
    """Declares the command."""
    predict = commands.add_parser(
        'predict', help='classify images',
        description='Classifies images with an exported or a served model. An unreadable image is an error for that '
        'image only; the exit status is then 2.',
    )  # fmt: skip
    model = predict.add_mutually_exclusive_group(required=True)
    model.add_argument(
        '--model', type=arguments.path, metavar='DIR',
        help=f'a run directory, its serving/{names.MODEL} for the newest version, or the folder of one version',
    )  # fmt: skip
    arguments.add_server(predict, model)
    form = predict.add_mutually_exclusive_group()
    form.add_argument('--json', action='store_true', help='print one JSON object per line')
    form.add_argument(
        '--csv', action='store_true',
        help=f'print CSV with the columns {", ".join(_COLUMNS)} and, where faces are detected, '
        f'{", ".join(_FACE_COLUMNS)}',
    )  # fmt: skip
    predict.add_argument(
        'images', type=os.path.expanduser, nargs='+', metavar='IMAGE',
        help='files, folders (recursive), quoted patterns, or - for a list of paths on standard input',
    )  # fmt: skip
    _add_detection(predict)
    predict.set_defaults(command=_predict)


def _add_detection(predict: argparse.ArgumentParser) -> None:
    group = predict.add_argument_group(
        'photographs',
        'Models with a framing know how the training images frame faces. By default, an image that is framed otherwise '
        'is replaced by crops of its faces, aligned as in training. A server sends no framing: with --server, images '
        'are neither checked nor aligned unless --framing is given.',
    )
    group.add_argument(
        '--detect', action=argparse.BooleanOptionalAction,
        help='align every face of every image; --no-detect: classify images as they are, and warn of other framing',
    )  # fmt: skip
    group.add_argument('--largest', action='store_true', help='only the largest face of each image')
    group.add_argument(
        '--annotate',
        type=arguments.path,
        metavar='DIR',
        help='write copies of the images with boxes and answers to DIR',
    )
    arguments.add_framing(group)
    group.add_argument(
        '--detector-prototxt', type=arguments.path, metavar='FILE',
        help='an SSD face detector in Caffe format, in place of the package mtcnn: BGR minus (104, 177, 123)',
    )  # fmt: skip
    group.add_argument('--detector-caffemodel', type=arguments.path, metavar='FILE', help='its weights')


def _predict(options: argparse.Namespace) -> int:
    from components.progress import Progress
    from pipeline.runs import log_capture
    from pipeline.serving import image_files, predict

    # File names are bytes and not always valid text; print them unchanged.
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='surrogateescape')
    failed = False
    with log_capture.quiet(), contextlib.ExitStack() as stack:
        sources = image_files.find(options.images, sys.stdin)
        first, any_image = image_files.up_to_first_image(sources)
        framer = _framer(options, any_image)
        with _loading():
            classify = _classifier(options, any_image)
        showing = [_json if options.json else _csv(framer) if options.csv else _table(framer)]
        if options.annotate:
            from pipeline.serving import annotation

            showing.append(stack.enter_context(annotation.annotated(options.annotate)))
        # Predictions on the terminal already show the progress.
        with Progress('Predicting', unit='images', quiet=sys.stdout.isatty()) as progress:
            for answer in predict.predict(classify, itertools.chain(first, sources), framer):
                failed = failed or answer.error is not None
                for show in showing:
                    show(answer)
                if framer:
                    _warn(answer)
                progress.update()
    return 2 if failed else 0


@contextlib.contextmanager
def _loading() -> Iterator[None]:
    """Says on a terminal what takes seconds before the first answer."""
    from components.progress import in_place

    if not in_place():
        yield
        return
    print('Loading the model …', end='', file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print('\r\x1b[K', end='', file=sys.stderr, flush=True)


def _framer(options: argparse.Namespace, any_image: bool) -> Framer | None:
    """What `--detect` and the model's framing ask for; None if the model has no framing and none is needed.

    Without any image, it has no detector, which takes seconds to load.
    """
    from components.errors import InputError
    from pipeline.serving import framed

    caffe = options.detector_prototxt, options.detector_caffemodel
    if any(caffe) and not all(caffe):
        raise InputError('--detector-prototxt and --detector-caffemodel belong together; give both')
    given = options.framing or options.model
    framing = framed.read(given) if options.framing or (options.detect and given) else given and framed.of_model(given)
    if framing is None:
        named = ('detect', 'largest', 'annotate', 'detector_prototxt')
        if asked := [name for name in named if getattr(options, name)]:
            where = '--server sends no framing; give --framing' if options.server else 'the model has no framing'
            raise InputError(f'--{asked[0].replace("_", "-")}: {where}')
        return None
    detector = None
    if any_image and (detector := framed.detector(*caffe, needed=bool(options.detect))) is None:
        print(
            'predict: no face detector is installed, so the framing of the images is not checked; answers are at '
            "random for faces framed unlike the training images. Install this project's extra [faces]",
            file=sys.stderr,
        )
    return framed.Framer(framing, detector, options.detect, options.largest)


def _warn(answer: Prediction) -> None:
    from components.io.files import printable
    from components.progress import note
    from pipeline.serving import framed

    if answer.framing == framed.DIFFERENT:
        note(
            f'{printable(answer.path)}: not framed like the training images, so the answer is unreliable; '
            '--detect finds and aligns its faces'
        )


def _classifier(options: argparse.Namespace, any_image: bool) -> Classifier:
    if not any_image:
        return lambda images: []  # without TensorFlow, whose import takes seconds
    if options.server is None:
        from pipeline.serving import predict

        return predict.load(options.model)
    from pipeline.serving import client

    return client.connect(**arguments.server(options))


def _once(write: Callable[[], object]) -> Callable[[], object]:
    """Writes on the first call only: a header before the first row, and none before an error that ends the command."""
    return functools.cache(write)


def _json(answer: Prediction) -> None:
    print(json.dumps(answer.as_dict()))


def _csv(framer: Framer | None) -> Callable[[Prediction], None]:
    columns = (*_COLUMNS, *_FACE_COLUMNS) if framer else _COLUMNS
    writer = csv.DictWriter(sys.stdout, columns, lineterminator='\n')
    header = _once(writer.writeheader)

    def show(answer: Prediction) -> None:
        header()
        values = answer.as_dict()
        box = values.pop('box', ())
        writer.writerow(values | dict(zip(_BOX, box, strict=False)))

    return show


def _table(framer: Framer | None) -> Callable[[Prediction], None]:
    from components.io.files import printable
    from components.progress import note

    title = f'label   p(female)  {"framing    left   top  right bottom  " if framer else ""}image'
    header = _once(lambda: print(title))

    def show(answer: Prediction) -> None:
        if answer.error is not None:
            note(f'{printable(answer.path)}: {answer.error}')
            return
        header()
        box = answer.box or ('-',) * 4
        where = f'{answer.framing:<9} {" ".join(f"{side:>5}" for side in box)}  ' if framer else ''
        print(f'{answer.label:<6}  {answer.probability:9.3f}  {where}{printable(answer.path)}')

    return show
