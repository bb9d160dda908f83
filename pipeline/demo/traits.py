# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The traits of a drawn face, sampled from its age and gender.

Every trait that differs between the genders follows one hidden number, `z`:

    z = ±SEPARATION · maturity(age) + N(0, 1)        + for female, - for male

and adds its own noise. The traits overlap: at each age, the best accuracy is about Φ(SEPARATION · maturity), and small
children are nearly a coin toss. The conventions are a cartoonist's (long hair, lipstick, beards). They give a
classifier something to find and say nothing about people.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipeline.demo.canvas import Colour

# Half the distance between the mean `z` of adult men and women, in standard deviations of `z`.
SEPARATION = 2.0

_SKIN = np.array(
    [(250, 222, 200), (241, 203, 174), (226, 180, 146), (198, 144, 106), (160, 108, 76), (118, 76, 54)], np.float64
)
_HAIR = np.array([(30, 26, 26), (58, 40, 32), (92, 62, 42), (134, 94, 58), (206, 168, 104), (150, 72, 40)], np.float64)
_HAIR_WEIGHTS = (0.24, 0.24, 0.2, 0.13, 0.12, 0.07)
_IRIS = np.array([(70, 44, 28), (104, 72, 42), (74, 110, 84), (82, 124, 164), (110, 120, 128)], np.float64)
_IRIS_WEIGHTS = (0.4, 0.25, 0.12, 0.15, 0.08)
_GREY = np.array([206.0, 206.0, 208.0])
_LIPSTICK = np.array([188.0, 32.0, 62.0])


@dataclass(frozen=True)
class Traits:
    """One face. Lengths are in half face heights, amounts in 0..1, colours RGB 0-255."""

    skin: Colour
    lips: Colour
    hair: Colour
    iris: Colour
    cloth: Colour
    wall: Colour
    wall_below: Colour
    youth: float  # 1 for a baby, 0 from about 18 years: proportions
    wrinkles: float  # amount
    face_width: float  # half width of the face
    jaw: float  # exponent of the superellipse below the ears: 2 is an ellipse, larger is squarer
    eye_size: float
    eye_makeup: float  # amount
    brow: float  # thickness
    nose: float  # half width
    lip_height: float
    smile: float  # -0.3 (glum) .. 1 (beaming)
    mouth_open: bool
    blush: float  # amount
    beard: float  # amount; below 0.15 none, up to 0.45 stubble, then full
    moustache: bool
    hair_length: float  # 0 cropped .. 1 below the shoulders
    hair_volume: float  # thickness over the skull
    receding: float  # amount; above 0.75 bald on top
    fringe: bool
    curly: bool
    parting: float  # x of the parting
    glasses: bool
    earrings: bool
    freckles: bool


def maturity(age: float) -> float:
    """How different the genders look at `age` years: 0.15 up to five years, rising smoothly to 1 at seventeen."""
    t = min(max((age - 5) / 12, 0.0), 1.0)
    return 0.15 + 0.85 * t * t * (3 - 2 * t)


def sample_traits(rng: np.random.Generator, age: int, female: bool) -> Traits:
    """Samples one face of `age` years from the distributions of its gender."""
    mature = maturity(age)
    z = (1 if female else -1) * SEPARATION * mature + rng.normal()

    def follow(base: float, slope: float, noise: float, low: float = 0.0, high: float = 1.0) -> float:
        """A trait that rises by `slope` per unit of z, with its own noise, clipped."""
        return float(np.clip(base + slope * z + noise * rng.normal(), low, high))

    def chance(probability: float) -> bool:
        return bool(rng.random() < probability)

    youth = float(np.clip((18 - age) / 17, 0, 1)) ** 0.8
    grown = float(np.clip((age - 15) / 6, 0, 1))
    old = float(np.clip((age - 32) / 38, 0, 1))

    skin = _between(rng, _SKIN) + rng.normal(0, 4, 3)
    skin = skin + follow(3.0, 5.5, 3.0, -5, 22) * np.array([1.0, -0.3, 0.5])  # rosier
    hair = _HAIR[rng.choice(len(_HAIR), p=_HAIR_WEIGHTS)] * rng.uniform(0.85, 1.2) + rng.normal(0, 5, 3)
    hair = hair + follow(0.0, 19.0, 8.0, -60, 60) * np.array([1.2, 0.9, 0.7])  # lighter and warmer, or dyed so
    grey = float(np.clip(old * 1.25 + rng.normal(0, 0.2), 0, 1)) if age > 30 else 0.0
    if grey > 0.2 and chance(0.15 + 0.2 * max(z, 0)):
        grey *= 0.2  # dyed
    hair = hair * (1 - grey) + _GREY * grey
    natural_lips = skin * np.array([0.86, 0.62, 0.62]) + np.array([22.0, 0.0, 6.0])
    lipstick = follow(0.15, 0.26, 0.16) * (0.25 + 0.75 * grown)
    wall = _pastel(rng)
    return Traits(
        skin=_rgb(skin),
        lips=_rgb(natural_lips * (1 - lipstick) + _LIPSTICK * lipstick),
        hair=_rgb(hair),
        iris=_rgb(_IRIS[rng.choice(len(_IRIS), p=_IRIS_WEIGHTS)] + rng.normal(0, 8, 3)),
        cloth=_rgb(_cloth(rng, follow(0.5, 0.19, 0.14))),
        wall=_rgb(wall),
        wall_below=_rgb(wall * rng.uniform(0.8, 1.05)),
        youth=youth,
        wrinkles=float(np.clip(old + rng.normal(0, 0.08), 0, 1)) if age > 25 else 0.0,
        face_width=follow(0.73, -0.012, 0.025, 0.64, 0.84) + 0.07 * youth,
        jaw=follow(2.25, -0.14, 0.12, 1.85, 2.9),
        eye_size=follow(0.165, 0.008, 0.012, 0.12, 0.21) * (1 + 0.25 * youth),
        eye_makeup=follow(0.1, 0.2, 0.2) * grown,
        brow=follow(0.062, -0.011, 0.012, 0.025, 0.11) * (1 - 0.35 * youth),
        nose=follow(0.15, -0.01, 0.018, 0.09, 0.21) * (1 - 0.25 * youth),
        lip_height=follow(0.088, 0.014, 0.016, 0.045, 0.14) * (1 - 0.2 * old),
        smile=float(np.clip(rng.normal(0.45, 0.35), -0.3, 1)),
        mouth_open=chance(0.3),
        blush=follow(0.25, 0.15, 0.18) * (1 - 0.3 * old) + 0.12 * youth,
        beard=follow(0.05, -0.24, 0.24) * grown,
        moustache=chance(grown * 0.4 / (1 + math.exp(1.5 + 2 * z))),
        hair_length=_hair_length(rng, z, age),
        hair_volume=follow(0.14, 0.018, 0.03, 0.06, 0.26) * (1 - 0.45 * max(0.0, 1 - age / 4)),
        receding=follow(0.0, -0.16, 0.22) * float(np.clip((age - 22) / 25, 0, 1)),
        fringe=chance(0.18 + 0.12 * youth + 0.1 / (1 + math.exp(-z))),
        curly=chance(0.22),
        parting=float(rng.uniform(-0.35, 0.35)),
        glasses=chance(0.05 + 0.22 * old + 0.05 * grown),
        earrings=chance(0.35 * grown / (1 + math.exp(-1.5 * z))),
        freckles=chance(0.12),
    )


def _hair_length(rng: np.random.Generator, z: float, age: int) -> float:
    """Mostly short or mostly long: a mixture of two distributions."""
    wears_long = rng.random() < 1 / (1 + math.exp(0.2 - 1.5 * z))
    length = rng.beta(5, 3) if wears_long else rng.beta(1.2, 7)
    return float(length * min(1.0, 0.25 + age / 8) * (1 - 0.25 * max(0.0, (age - 50) / 20)))


def _between(rng: np.random.Generator, palette: np.ndarray) -> np.ndarray:
    """A colour somewhere on the line through `palette` [n, 3]."""
    at = float(np.clip(rng.normal(0.42, 0.24), 0, 1)) * (len(palette) - 1)
    low = min(int(at), len(palette) - 2)
    return palette[low] + (at - low) * (palette[low + 1] - palette[low])


def _cloth(rng: np.random.Generator, warmth: float) -> np.ndarray:
    """A random colour between dark and cool (`warmth` 0) and bright and warm (1)."""
    cool, warm = np.array([44.0, 64.0, 92.0]), np.array([232.0, 126.0, 132.0])
    return cool + warmth * (warm - cool) + rng.normal(0, 22, 3)


def _pastel(rng: np.random.Generator) -> np.ndarray:
    """A wall colour: any hue, low saturation, bright."""
    return rng.uniform(160, 205) + rng.normal(0, 7, 3)


def _rgb(colour: np.ndarray) -> Colour:
    red, green, blue = (int(v) for v in np.clip(np.rint(colour), 0, 255))
    return red, green, blue
