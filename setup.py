# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Packaging. Exact versions are in constraints.txt; the bounds here only say which releases the code is written for."""

from pathlib import Path

from setuptools import find_packages, setup

_HERE = Path(__file__).parent

setup(
    name='face-gender-pipeline',
    version='0.1.0',
    description='A TFX pipeline that turns the VGG-Face Caffe model into an evaluated, servable gender classifier',
    long_description=(_HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    author='The face-gender pipeline authors',
    python_requires='>=3.11,<3.12',
    packages=find_packages(include=['pipeline', 'pipeline.*', 'components', 'components.*', 'schemas']),
    package_data={
        'pipeline': ['configs/*.yaml', 'report/*.html', 'report/*.css', 'report/*.js'],
        'components.caffe_converter': ['prototxts/*.prototxt'],
        'schemas': ['*.pbtxt', 'README.md'],
    },
    install_requires=[
        'tensorflow>=2.21,<2.22',
        'keras>=3.15,<4',
        'keras-tuner>=1.4,<2',
        'tfx>=1.21,<1.22',
        'tensorflow-data-validation>=1.21,<1.22',
        'tensorflow-model-analysis>=0.52,<0.53',
        'tensorflow-transform>=1.21,<1.22',
        'ml-metadata>=1.21,<1.22',
        'apache-beam>=2.77,<3',
        'numpy>=2,<3',
        # Paths that are folders of this machine or objects of a bucket.
        'etils[epath]>=1.12',
        'google-cloud-storage>=3',
        'h5py>=3.14',
        'jinja2>=3.1',
        'pillow>=12',
        'pyyaml>=6',
        'scipy>=1.14',
        # Keras' logs are written through it; TensorFlow itself does not ask for it any more.
        'tensorboard>=2.21,<3',
        'tqdm>=4.60',
        # The client of TensorFlow Serving, and what its requests and TFDV's data frames are made of.
        'tensorflow-serving-api>=2.19,<3',
        'grpcio>=1.70',
        'pandas>=1.5',
    ],
    extras_require={
        'kubeflow': ['kfp>=2.16,<2.17'],
        'dev': [
            'atheris>=3; sys_platform == "linux"',
            'axe-playwright-python>=0.1.7',
            'cryptography>=42',
            'hypothesis>=6',
            'jsonschema>=4.20',
            'mypy>=2',
            'opencv-python-headless>=4.10,<5',
            'playwright>=1.60',
            'pytest>=9',
            'pytest-timeout>=2.4',
            'pytest-xdist>=3.6',
            'ruff>=0.17',
            'scikit-learn>=1.5,<1.6',
            'types-protobuf',
            'types-PyYAML',
            'types-tqdm',
        ],
    },
    entry_points={'console_scripts': ['gender-pipeline=pipeline.__main__:main']},
    classifiers=[
        'Operating System :: MacOS :: MacOS X',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3.11',
    ],
)
