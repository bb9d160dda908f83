# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`compile` refuses what cannot run: one line, exit status 2, and no file."""

from pathlib import Path

import pytest

from components.errors import InputError
from pipeline.__main__ import main
from pipeline.runners.kubeflow import checks

_VGG = Path(__file__).resolve().parents[5] / 'components/caffe_converter/prototxts/VGG_FACE_deploy.prototxt'
_DIGEST = '@sha256:' + 64 * 'a'


def _set(key: str, value: str) -> list[str]:
    return ['--set', f'kubeflow.{key}={value}']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        *((['--image', image], f'--image {image}: not an image') for image in (
            'Image', 'a b', 'a@sha256:0123', 'a:', 'https://host/a', 'host:port/a', 'a..b', 'a/', 'a' * 256,
            'a' + _DIGEST.upper(),
        )),
        *((_set('claim', claim), 'kubeflow.claim: ') for claim in (
            'Data', 'a_b', '-a', 'a.b', 'a..b', 'a' * 64, 'a' * 254,
        )),
        *((_set('mount', mount), 'kubeflow.mount: ') for mount in (
            'data', '/', '/' + 'tmp', '/minio', '/minio/mlpipeline', '/s3', '/gcs/', '/.cache', '/run', '/var/run',
            '/var/run/x', '/usr', '/usr/local/lib', '/opt', '/dev/x', '/a/../tmp', '/a:b', '//tmp',
        )),
        *((['--root', root], f"the pipeline root '{root}' (--root, beam.pipeline_root): expected ") for root in (
            'hdfs://a/b', '/data', 'file:///data', 's3:/bucket/a',
            'gs://', 'gs:///a', 'GS://bucket/a', 'gs://bucket/a b',
        )),
        *((_set('bucket', bucket), 'kubeflow.bucket: expected s3://BUCKET/FOLDER') for bucket in (
            '/data', 'minio://a/b', 's3://', 's3://Bucket/a', 's3://bucket/a b',
        )),
        (_set('bucket_endpoint', 'http://store:9000'), 'bucket_endpoint: expected nothing without kubeflow.bucket'),
        (['--set=kubeflow.bucket=s3://bkt/a', *_set('bucket_endpoint', 'store:9000')], 'expected an address such as'),
        (['--set=kubeflow.bucket=s3://bkt/a', *_set('bucket_secret', 'A_b')], 'bucket_secret: expected the n'),
        (_set('require_digest', 'true'), '--image pipeline:test: kubeflow.require_digest wants NAME@sha256:DIGEST'),
        (['--root', 's3://bucket/a', '-o', 'job.json'], 'expected gs://BUCKET/FOLDER'),
        *((_set('resources.all.accelerator', name), 'kubeflow.resources.all.accelerator: expected ') for name in (
            'gpu:1', 'nvidia.com/gpu', 'nvidia.com/gpu:0', '/gpu:1', 'nvidia.com/:1', 'nvidia..com/gpu:1',
            'nvidia.com/gpu_:1', 'kubernetes.io/gpu:1', 'mykubernetes.io/gpu:1', 'requests.nvidia.com/gpu:1',
            'nvidia.com/gpu:1000000000',
        )),
        (_set('resources.all.cpu', '.inf'), 'kubeflow.resources.all.cpu: expected a finite number, found inf'),
        (_set('resources', '{Trainer: 3}'), 'kubeflow.resources.Trainer: expected keys with values, found 3'),
        *((_set('resources.all.memory', memory), 'resources.all.memory: expected a size such as') for memory in (
            '0G', '0.0Mi', '4T', '-1G',
        )),
        (_set('resources.all.memory_request', '5G'), 'resources.all.memory_request: expected at most the limit, 4G'),
        (_set('resources.all.cpu_request', '3'), 'kubeflow.resources.all.cpu_request: expected at most the limit, 2'),
        (_set('resources', '{Trainer: {}}'), 'kubeflow.resources.Trainer: expected a limit or a request, found none'),
        (_set('image_pull_policy', 'always'), 'did you mean Always?'),
        (_set('image_pull_secrets', '[Registry]'), 'kubeflow.image_pull_secrets: '),
        (_set('node_selector', '{a b: c}'), 'kubeflow.node_selector: '),
        (_set('labels', '{a: b c}'), 'kubeflow.labels: '),
        (_set('labels', '{a/b/c: d}'), 'kubeflow.labels: '),
        (_set('tolerations', '[{key: a, effect: Never}]'), 'expected one of'),
        (_set('tolerations', '[{value: a}]'), 'expected the key of a taint'),
        (_set('tolerations', '[{key: a, operator: Exists, value: b}]'), 'expected no value with operator Exists'),
        (_set('tolerations', '[{key: a, taint: b}]'), 'no such key'),
        (
            ['--prototxt', str(_VGG), '--set', 'fine_tuning.unfreeze_from=conv9_9'],
            "fine_tuning.unfreeze_from: 'conv9_9': the base has no such layer",
        ),
    ],
)  # fmt: skip
def test_what_cannot_run_is_one_line_and_writes_nothing(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    defaults = ['--set', 'model.input_size=[224, 224]', '--image', 'pipeline:test', '-o', 'p.yaml']
    assert main(['compile', *defaults, *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    'image',
    [
        'a',
        'a:latest',
        f'a{_DIGEST}',
        f'registry.example:5000/team/a_b/c-d:v1.0_x{_DIGEST}',
        'localhost/a',
        '[::1]:5000/a',
    ],
)
def test_images_that_can_be_pulled_pass(image):
    checks.check_image(image)


def test_roots_of_kubeflows_stores_pass():
    for root in ('', 'minio://mlpipeline/v2/artifacts', 's3://bucket', 's3://my.bucket/a?region=b', 'gs://bucket/a/'):
        checks.check_root(root, vertex=False)
    with pytest.raises(InputError, match=r'expected gs://BUCKET/FOLDER, with three or more [^:]+ name of the bucket$'):
        checks.check_root('minio://mlpipeline/a', vertex=True)
