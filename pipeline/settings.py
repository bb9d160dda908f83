# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The sections of the configuration: every key with its default, its bounds and one line of help."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def key(default: Any, text: str, *, low: float | None = None, high: float | None = None, choices: Any = None) -> Any:
    """A configuration key: its default, its one line of help, its inclusive bounds or its choices."""
    metadata = {'help': text, 'low': low, 'high': high, 'choices': choices}
    if isinstance(default, list):
        return field(default_factory=lambda: tuple(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class DataConfig:
    """Which images are taken and how they are split."""

    layout: str = key(
        'folders',
        'how labels are named: folders (combined/<directory>/AA_M) or utkface (age_gender_race_date.jpg)',
        choices=('folders', 'utkface'),
    )
    directories: tuple[str, ...] = key(['aligned'], 'the directories under combined/ to read, e.g. [aligned, valid]')
    per_folder: int | None = key(20, 'images to take from each age-gender folder; null takes all', low=1)
    split: str = key(
        'stratified',
        "stratified (every folder in proportion) or shuffled (the notebook's plain shuffle)",
        choices=('stratified', 'shuffled'),
    )
    fractions: tuple[float, ...] = key([0.6, 0.2, 0.2], 'shares of train, validation and test; they add up to 1')
    seed: int = key(0, 'seed of the choice and of the split', low=0)
    shards: int = key(1, 'TFRecord files a split', low=1, high=10000)
    min_size: int = key(16, 'pixels; images with a shorter side are rejected', low=1)
    max_bad_fraction: float = key(0.05, 'share of unreadable images above which the run stops', low=0, high=1)
    manifest_columns: tuple[str, ...] = key(
        [], 'columns of manifest.csv (beside combined/) that become features and slices, e.g. [race]'
    )
    near_duplicate_distance: int | None = key(
        None, 'perceptual-hash distance (bits of 64) within which images share a split; null: exact copies only', low=0,
        high=16,
    )  # fmt: skip


@dataclass(frozen=True)
class GateConfig:
    """When the data is not good enough to train on."""

    mode: str = key(
        'stop', 'stop: a finding ends the run; warn: it is reported and the run goes on', choices=('stop', 'warn')
    )
    min_gender_share: float = key(0.3, 'lowest share of either gender in each split', low=0, high=0.5)
    min_per_stratum: int = key(1, 'fewest images of each gender and age band in each split; 0 asks for none', low=0)
    max_skew: float = key(
        0.2, "largest distance between a feature's distributions in the training and another split", low=0, high=1
    )
    max_drift: float = key(
        0.3, "largest distance between a feature's distributions now and in the last run on other data", low=0, high=1
    )


@dataclass(frozen=True)
class TransformConfig:
    """What is subtracted from images."""

    mean: str = key(
        'train',
        'train: the mean image of the training split; fixed: mean_bgr, so that embeddings do not depend on the sample',
        choices=('train', 'fixed'),
    )
    mean_bgr: tuple[float, ...] = key(
        [93.5940, 104.7624, 129.1863],
        "[blue, green, red] where mean is fixed, 0-255; the default is VGG-Face's",
        low=0,
        high=255,
    )


@dataclass(frozen=True)
class ModelConfig:
    """The frozen base."""

    output_layer: str | None = key(None, "the Caffe layer whose output is the embedding; null: the network's last")
    input_size: tuple[int, ...] | None = key(
        None, '[height, width] in pixels; null: what the prototxt says', low=8, high=4096
    )
    pooling_grid: int = key(
        1, 'G: the last feature map is averaged over GxG windows; 1 is GlobalAveragePooling', low=1, high=32
    )


@dataclass(frozen=True)
class EmbeddingConfig:
    """How images go through the base."""

    batch_size: int = key(32, 'images a batch; bounds memory', low=1, high=1024)
    precision: str = key(
        'float32',
        'what the base computes in, also in the exported model: float32, or bfloat16 (needs AVX512-BF16, AMX or a GPU)',
        choices=('float32', 'bfloat16'),
    )


@dataclass(frozen=True)
class TrainerConfig:
    """The head on the embeddings: [standardise], Dense(relu) and Dropout for each hidden layer, one logit."""

    hidden_units: tuple[int, ...] = key(
        [32], 'units of each hidden layer, the first one on the embedding; [] is logistic regression', low=1, high=65536
    )
    dropout: float = key(0.25, 'share of hidden units dropped in training', low=0, high=0.95)
    l2: float = key(0.0, "weight of the sum of the layers' squared weights in the loss; 0 is none", low=0, high=10)
    standardize: bool = key(
        True, 'scale embeddings to zero mean and unit variance over the training split, inside the model'
    )
    learning_rate: float = key(0.001, "Adam's learning rate", low=1e-9, high=10)
    batch_size: int = key(20, 'examples a step', low=1)
    epochs: int = key(10, 'passes over the training split', low=1, high=100000)
    class_weights: str = key(
        'none', 'none or balanced (both genders weigh the same in the loss)', choices=('none', 'balanced')
    )
    early_stopping_patience: int | None = key(
        None, 'epochs without a better trainer.monitor after which training stops; null trains all epochs', low=1
    )
    restore_best: bool = key(False, 'keep the weights of the epoch with the best trainer.monitor, not of the last one')
    monitor: str = key(
        'val_loss',
        'by what an epoch is better: val_loss (with the L2 term) or val_auc',
        choices=('val_loss', 'val_auc'),
    )
    seed: int = key(0, 'seed of initial weights, shuffling and dropout', low=0)
    unfreeze_from: str | None = key(
        None, 'the layer of the base from which on it is trained too, after the head (conv5_1); null: none'
    )


@dataclass(frozen=True)
class FineTuningConfig:
    """How the base and the head are trained together, where `trainer.unfreeze_from` names a layer."""

    learning_rate: float = key(0.0001, "Adam's learning rate, for the base and the head", low=1e-9, high=1)
    batch_size: int = key(20, 'images a step', low=1, high=1024)
    epochs: int = key(
        8, 'passes over the training split; the one with the lowest validation loss counts', low=1, high=10000
    )
    flip: bool = key(True, 'whether half of the training images are mirrored, other ones in each epoch')
    crop: float = key(
        0.15, 'the most that a training image loses of its height and width before it is resized again', low=0, high=0.9
    )


@dataclass(frozen=True)
class TunerConfig:
    """A search for better values of the head's settings; the best ones replace those of the section trainer.

    A range is [low, high], or [] for what is not searched and stays as it is in the section trainer.
    """

    enabled: bool = key(False, 'whether to search; a range of [] leaves that key of the section trainer as it is')
    trials: int = key(30, 'heads to train, the first one with the values of the section trainer', low=1, high=100000)
    epochs: int = key(10, 'passes over the training split in each trial', low=1, high=100000)
    objective: str = key(
        'val_auc',
        'what makes a trial the best: val_auc or val_loss (without the L2 term)',
        choices=('val_auc', 'val_loss'),
    )
    learning_rate: tuple[float, ...] = key(
        [1e-4, 1e-2], 'range of trainer.learning_rate, searched by its logarithm', low=1e-9, high=10
    )
    hidden_units: tuple[int, ...] = key(
        [8, 256], 'range of the units of every hidden layer, searched by their logarithm', low=1, high=65536
    )
    dropout: tuple[float, ...] = key([0.0, 0.6], 'range of trainer.dropout', low=0, high=0.95)
    l2: tuple[float, ...] = key([1e-6, 1e-2], 'range of trainer.l2, searched by its logarithm', low=1e-12, high=10)
    seed: int = key(0, 'seed of the search', low=0)


#: The keys of `TrainerConfig` that are searched; `TunerConfig` has a range of the same name for each.
TUNED = ('learning_rate', 'hidden_units', 'dropout', 'l2')


@dataclass(frozen=True)
class EvaluationConfig:
    """What a model must reach on the test split to be pushed."""

    min_accuracy: float = key(0.85, 'lowest accuracy over all', low=0, high=1)
    min_auc: float = key(0.9, 'lowest area under the ROC curve over all', low=0, high=1)
    min_gender_accuracy: float = key(0.8, 'lowest accuracy of each gender', low=0, high=1)
    max_gender_gap: float = key(0.1, 'largest difference between the accuracies of women and men', low=0, high=1)
    min_examples: int = key(100, 'fewest test faces', low=1)
    min_gender_examples: int = key(40, 'fewest test faces of each gender', low=1)
    max_regression: float | None = key(
        0.05, 'how much lower the accuracy may be than that of the last blessed model; null asks for nothing', low=0,
        high=1,
    )  # fmt: skip
    exit_status_not_blessed: int = key(1, 'exit status of "run" when the model is not blessed', low=0, high=125)


@dataclass(frozen=True)
class ReportConfig:
    """What the report shows."""

    faces: bool = key(True, 'whether pictures of test faces, and the mean image, may be on the page')


LOCAL, FLINK, DATAFLOW = 'local', 'flink', 'dataflow'


@dataclass(frozen=True)
class BeamConfig:
    """Where the stages run that Beam spreads over workers."""

    runner: str = key(
        LOCAL, 'local (in this process), flink or dataflow, see deploy/flink', choices=(LOCAL, FLINK, DATAFLOW)
    )
    workers: int = key(
        1, "how many work at once: Flink's parallelism, the most workers of Dataflow; local has one", low=1, high=10000
    )
    flink_master: str | None = key(
        None, "host:port of the REST address of Flink's JobManager; null: a Flink inside the job server"
    )
    job_server: str | None = key(
        None,
        "Beam's job server for Flink: host:port of one that runs, or its .jar; null: Beam fetches that of Flink 1.19",
    )
    worker_pool: str | None = key(
        None, 'host:port of the Beam worker pool as each TaskManager sees it; null: this process, without flink_master'
    )
    pipeline_root: str | None = key(
        None, 'where artifacts go, as gs://BUCKET/FOLDER, which Dataflow needs; null: the run directory'
    )
    temp_location: str | None = key(None, 'where Beam keeps temporary files; Dataflow needs a gs:// location')
    project: str | None = key(None, 'Dataflow: the Google Cloud project')
    region: str | None = key(None, 'Dataflow: the region, e.g. europe-west4')
    image: str | None = key(None, "Dataflow: the workers' container image, see deploy/dataflow")
    options: tuple[str, ...] = key(
        [], 'further options of Beam and its runner, e.g. [--machine_type=n2-standard-8, --no_use_public_ips]'
    )


@dataclass(frozen=True)
class KubeflowConfig:
    """How the compiled pipeline runs on Kubeflow."""

    claim: str = key(
        'face-gender-data', 'the PersistentVolumeClaim that holds inputs and pushed models; empty mounts none'
    )
    mount: str = key('/data', 'where the containers see it')
    resources: tuple[str, ...] = key(
        [
            'all cpu=2 memory=4G',
            'EmbeddingGen cpu=4 memory=8G',
            'Trainer memory=8G',
            'FineTuner cpu=4 memory=8G',
            'FineTunedEmbeddingGen cpu=4 memory=8G',
        ],
        'limits of containers, "<component or all> cpu=N memory=NG accelerator=nvidia.com/gpu:1", any of them',
    )
    retries: int = key(2, 'how often a container that failed is started again', low=0, high=100)
    cache: bool = key(True, "whether results are taken from earlier runs' when inputs, code and image are the same")
