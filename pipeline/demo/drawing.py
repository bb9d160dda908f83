# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Draws one face from its traits, back to front, then adds light and camera noise."""

from __future__ import annotations

import numpy as np
from PIL import Image

from pipeline.demo.canvas import Canvas, Colour, Patch, Pose, curve, ellipse
from pipeline.demo.traits import Traits

_DARK: Colour = (38, 24, 22)
_WHITE: Colour = (246, 244, 240)

# Amounts of beard at which stubble and a full beard begin.
_STUBBLE, _FULL_BEARD = 0.15, 0.45
_BALD = 0.75  # amount of receding at which the top of the head is bald


def draw_face(traits: Traits, rng: np.random.Generator, size: int) -> Image.Image:
    """Draws an RGB image of `size` × `size` pixels; `rng` chooses pose, light and strokes."""
    canvas = Canvas(size, _pose(rng))
    canvas.gradient(traits.wall, traits.wall_below)
    _back_hair(canvas, traits, rng)
    _body(canvas, traits)
    outline = _face_outline(traits)
    canvas.polygon(outline, traits.skin)
    _skin(canvas, traits, rng, outline)
    _beard(canvas, traits, rng, outline)
    _mouth(canvas, traits)
    _nose(canvas, traits)
    for side in (-1, 1):
        _eye(canvas, traits, side)
    _wrinkles(canvas, traits)
    _front_hair(canvas, traits, rng)
    if traits.earrings and traits.hair_length < 0.75:
        for side in (-1, 1):
            canvas.ellipse(side * (traits.face_width + 0.06), 0.32, 0.05, 0.06, (232, 196, 92))
    if traits.glasses:
        _glasses(canvas, traits)
    return _photograph(canvas.pixels(), rng)


def _pose(rng: np.random.Generator) -> Pose:
    """Nearly upright and nearly centred, like the output of an alignment tool."""
    dx, dy = rng.normal(0, 0.022, 2)
    return Pose(float(dx), float(dy), float(rng.normal(1.0, 0.05)), float(rng.normal(0, 0.075)))


def _shade(colour: Colour, factor: float) -> Colour:
    """A darker (factor < 1) or lighter (> 1) colour."""
    red, green, blue = (min(255, max(0, round(c * factor))) for c in colour)
    return red, green, blue


def _eye_level(traits: Traits) -> float:
    return -0.07 + 0.2 * traits.youth


def _nose_tip(traits: Traits) -> float:
    return _eye_level(traits) + 0.4 - 0.06 * traits.youth


def _face_outline(traits: Traits) -> np.ndarray:
    """Half an ellipse above the ears; below, half a superellipse |x|^n + |y|^n = 1 with n = jaw; [56, 2]."""
    angle = np.linspace(0, 2 * np.pi, 56, endpoint=False)
    exponent = np.where(np.sin(angle) > 0, 2 / traits.jaw, 1.0)
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** exponent
    y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** exponent
    return np.stack([x * traits.face_width, y * (1 - 0.06 * traits.youth)], -1)


def _back_hair(canvas: Canvas, traits: Traits, rng: np.random.Generator) -> None:
    """The hair behind the head, from the crown down to its length."""
    bald = traits.receding > _BALD
    width = traits.face_width + traits.hair_volume * (0.45 if bald else 1.0)
    top = -1 + traits.hair_volume * (1.0 if bald else -1.0)
    bottom = 0.12 + 1.25 * traits.hair_length
    angle = np.linspace(np.pi, 2 * np.pi, 22)
    crown = np.stack([width * np.cos(angle), -0.1 + (-0.1 - top) * np.sin(angle)], -1)
    down = np.linspace(-0.05, bottom, 12)[:, None]
    flare = rng.uniform(-0.1, 0.22) * traits.hair_length
    wave = 0.045 * traits.hair_length * np.sin(rng.uniform(6, 11) * down + rng.uniform(0, 6))
    side = width + flare * (down / max(bottom, 0.3)) + wave
    right, left = np.hstack([side, down]), np.hstack([-side, down])[::-1]
    colour = _shade(traits.hair, 0.86)
    canvas.polygon(np.vstack([crown, right, left]), colour)
    if traits.curly:
        for x, y in np.vstack([crown, right[::2], left[::2]])[::2]:
            radius = rng.uniform(0.08, 0.15)
            canvas.ellipse(x, y, radius, radius, _shade(colour, rng.uniform(0.85, 1.12)))


def _body(canvas: Canvas, traits: Traits) -> None:
    """Neck, shoulders and ears."""
    neck = 0.36 + 0.1 * (traits.jaw - 2.2) - 0.07 * traits.youth
    shadow = _shade(traits.skin, 0.78)
    canvas.polygon(np.array([(-neck, 0.6), (neck, 0.6), (neck * 1.15, 1.6), (-neck * 1.15, 1.6)]), shadow)
    shoulders = np.vstack(
        [curve((-1.7, 1.7), (-1.3, 1.22), (-neck, 1.16)), curve((neck, 1.16), (1.3, 1.22), (1.7, 1.7))]
    )
    canvas.polygon(
        np.vstack([shoulders[:12], curve((-neck, 1.16), (0, 1.5), (neck, 1.16)), shoulders[12:]]), traits.cloth
    )
    canvas.line(curve((-neck, 1.16), (0, 1.5), (neck, 1.16)), _shade(traits.cloth, 0.75), 0.05)
    for side in (-1, 1):
        x = side * (traits.face_width + 0.02)
        canvas.ellipse(x, _eye_level(traits) + 0.14, 0.11, 0.2, _shade(traits.skin, 0.93))
        canvas.ellipse(x, _eye_level(traits) + 0.14, 0.05, 0.11, _shade(traits.skin, 0.78))


def _skin(canvas: Canvas, traits: Traits, rng: np.random.Generator, outline: np.ndarray) -> None:
    """Everything without edges (light, shade, blush, eye shadow, stubble), then freckles."""
    eyes, width = _eye_level(traits), traits.face_width
    shadow, light = _shade(traits.skin, 0.6), _shade(traits.skin, 1.18)
    pink = _shade((214, 84, 88), 0.45 + 0.55 * max(traits.skin) / 255)
    patches = [
        Patch(float(rng.choice((-width, width))), 0.2, 0.22, 0.7, shadow, rng.uniform(0.3, 0.65)),
        Patch(0, -0.55, 0.4, 0.2, light, 0.35),
        Patch(0, 0.95, 0.5, 0.12, shadow, 0.35),
        Patch(0, _nose_tip(traits) - 0.03, traits.nose * 0.5, 0.07, light, 0.5),
    ]
    for side in (-1, 1):
        patches.append(Patch(side * 0.42, eyes + 0.42, 0.17, 0.14, pink, 0.8 * traits.blush))
        patches.append(Patch(side * 0.31, eyes, 0.15, 0.12, shadow, 0.3 + 0.25 * traits.wrinkles))
        if traits.eye_makeup > 0.2:
            patches.append(Patch(side * 0.32, eyes - 0.08, 0.14, 0.06, (96, 62, 112), 0.8 * traits.eye_makeup))
    if traits.beard > _STUBBLE:
        colour, opacity = _shade(traits.hair, 0.6), min(0.75, 1.5 * (traits.beard - 0.1))
        patches.append(Patch(0, 0.86, 0.42, 0.2, colour, opacity))
        patches.append(Patch(0, 0.44, 0.22, 0.06, colour, opacity * 0.8))
        patches.extend(Patch(side * width * 0.86, 0.55, 0.1, 0.2, colour, opacity) for side in (-1, 1))
    canvas.soft(patches, within=outline)
    if traits.freckles:
        for _ in range(14):
            x, y = rng.uniform(-0.5, 0.5), eyes + rng.uniform(0.2, 0.5)
            canvas.ellipse(x, y, 0.022, 0.022, _shade(traits.skin, 0.7), 0.7)


def _beard(canvas: Canvas, traits: Traits, rng: np.random.Generator, outline: np.ndarray) -> None:
    """A full beard along the jaw and a moustache; `_skin` draws stubble."""
    colour = _shade(traits.hair, 0.88)
    if traits.beard > _FULL_BEARD:
        top = rng.uniform(0.15, 0.35)
        jaw = outline[outline[:, 1] > top] * (1.02, 1.02 + 0.16 * traits.beard * rng.random())
        jaw = jaw[np.argsort(-jaw[:, 0])]  # from the right ear over the chin to the left
        cheek = 0.86 * traits.face_width
        left, right = curve(jaw[-1], (-cheek, 0.6), (-0.34, 0.5)), curve((0.34, 0.5), (cheek, 0.6), jaw[0])
        inner = np.vstack([left, curve((-0.34, 0.5), (0, 0.38), (0.34, 0.5)), right])
        canvas.polygon(np.vstack([jaw, inner]), colour, 0.6 + 0.4 * traits.beard)
    if traits.moustache or traits.beard > 0.55:
        droop = rng.uniform(0, 0.1)
        upper = curve((-0.3, 0.53 + droop), (0, 0.27), (0.3, 0.53 + droop))
        canvas.polygon(np.vstack([upper, curve((0.26, 0.55 + droop), (0, 0.42), (-0.26, 0.55 + droop))]), colour, 0.95)


def _mouth(canvas: Canvas, traits: Traits) -> None:
    """Two lips whose corners the smile lifts; teeth in an open mouth."""
    y = 0.58 + 0.03 * traits.youth
    half = 0.25 + 0.08 * max(traits.smile, 0) - 0.06 * traits.youth
    corner = y - 0.09 * traits.smile
    thick = traits.lip_height
    dip = y + 0.06 * traits.smile
    gap = thick * (0.9 + 0.6 * traits.smile) if traits.mouth_open and traits.smile > 0.1 else 0.0
    left, right = (-half, corner), (half, corner)
    upper = np.vstack(
        [
            curve(left, (-half * 0.45, dip - thick * 1.6), (0, dip - thick * 0.8)),
            curve((0, dip - thick * 0.8), (half * 0.45, dip - thick * 1.6), right),
        ]
    )
    line = curve(right, (0, 2 * dip - corner), left)
    opening = curve(right, (0, 2 * (dip + gap) - corner), left)
    lower = curve(left, (0, 2 * (dip + gap + thick * 1.3) - corner), right)
    canvas.polygon(np.vstack([opening, lower]), _shade(traits.lips, 1.06))
    canvas.polygon(np.vstack([upper, line]), _shade(traits.lips, 0.88))
    if gap:
        canvas.polygon(np.vstack([line, opening[::-1]]), _WHITE)
    canvas.line(line, _shade(traits.lips, 0.5), 0.025)


def _nose(canvas: Canvas, traits: Traits) -> None:
    """One shaded flank, the wings and two nostrils."""
    tip = _nose_tip(traits)
    shadow = _shade(traits.skin, 0.68)
    width = traits.nose
    canvas.line(curve((width * 0.35, tip - 0.34), (width * 0.55, tip - 0.12), (width, tip + 0.02)), shadow, 0.03, 0.6)
    canvas.line(curve((-width, tip + 0.02), (0, tip + 0.15), (width, tip + 0.02)), shadow, 0.035, 0.9)
    for side in (-1, 1):
        canvas.ellipse(side * width * 0.45, tip + 0.055, 0.035, 0.024, _shade(traits.skin, 0.4))


def _eye(canvas: Canvas, traits: Traits, side: int) -> None:
    """Eye, lid, lashes, make-up and brow of one side (-1 the image's left)."""
    x, y, w = side * 0.32, _eye_level(traits), traits.eye_size
    h = w * (0.5 + 0.14 * traits.youth)
    inner, outer = (x - side * w, y + 0.01), (x + side * w, y - 0.015)
    lid = curve(inner, (x, y - 2 * h), outer)
    canvas.polygon(np.vstack([lid, curve(outer, (x, y + 1.7 * h), inner)]), _WHITE)
    canvas.ellipse(x, y - 0.01, h * 0.92, h * 0.92, traits.iris)
    canvas.ellipse(x, y - 0.01, h * 0.45, h * 0.45, (16, 12, 12))
    canvas.ellipse(x + 0.03, y - 0.04, 0.026, 0.026, (255, 255, 255))
    canvas.line(lid, _DARK, 0.03 + 0.04 * traits.eye_makeup)
    if traits.eye_makeup > 0.3:
        canvas.line(np.array([outer, (x + side * (w + 0.07), y - 0.07)]), _DARK, 0.03)
    lift = y - 0.2 - 0.06 * (traits.brow < 0.055)
    arch = curve((x - side * (w + 0.02), lift + 0.03), (x, lift - 0.09), (x + side * (w + 0.06), lift + 0.05))
    canvas.line(arch, _shade(traits.hair, 0.72), traits.brow, 0.9)


def _wrinkles(canvas: Canvas, traits: Traits) -> None:
    """Lines on the forehead, crow's feet, bags, folds from nose to mouth; more of them with age."""
    amount, eyes, shadow = traits.wrinkles, _eye_level(traits), _shade(traits.skin, 0.62)
    for i in range(round(3.4 * max(0.0, amount - 0.25))):
        level = -0.44 - 0.1 * i
        canvas.line(curve((-0.33, level), (0, level - 0.05), (0.33, level)), shadow, 0.022, 0.25 + 0.5 * amount)
    if amount < 0.15:
        return
    for side in (-1, 1):
        fold = curve((side * 0.17, 0.36), (side * 0.34, 0.42), (side * 0.36, 0.62))
        canvas.line(fold, shadow, 0.028, 0.25 + 0.55 * amount)
        if amount > 0.35:
            canvas.line(
                curve((side * 0.18, eyes + 0.13), (side * 0.32, eyes + 0.2), (side * 0.46, eyes + 0.12)),
                shadow,
                0.024,
                0.7 * amount,
            )
            for tilt in (-0.07, 0.0, 0.07):
                canvas.line(
                    np.array([(side * 0.54, eyes + tilt / 2), (side * 0.64, eyes + tilt)]), shadow, 0.02, 0.7 * amount
                )


def _front_hair(canvas: Canvas, traits: Traits, rng: np.random.Generator) -> None:
    """The hair over the forehead, its strands, and the locks of long hair beside the cheeks."""
    if traits.receding > _BALD:
        return
    width, volume = traits.face_width + 0.03, traits.hair_volume
    angle = np.linspace(np.pi, 2 * np.pi, 22)
    crown = np.stack([(width + volume) * np.cos(angle), -0.1 + (0.9 + volume) * np.sin(angle)], -1)
    part = (traits.parting, -0.78 - 0.25 * traits.receding)
    if traits.fringe and traits.receding < 0.3:
        bend = rng.uniform(-0.08, 0.05)
        line = curve((width, -0.12), (0, -0.5 + bend + 0.1 * traits.youth), (-width, -0.12))
    else:
        temple = -0.1 - 0.55 * traits.receding
        line = np.vstack(
            [
                curve((width, temple), (width * 0.75, -0.62 - 0.3 * traits.receding), part),
                curve(part, (-width * 0.75, -0.62 - 0.3 * traits.receding), (-width, temple)),
            ]
        )
    canvas.polygon(np.vstack([crown, line]), traits.hair)
    if traits.curly:
        for x, y in crown[2:-2]:
            radius = rng.uniform(0.07, 0.14)
            inward = rng.uniform(0.82, 1.0)
            canvas.ellipse(x * inward, y * inward, radius, radius, _shade(traits.hair, rng.uniform(0.8, 1.2)))
    for _ in range(9):
        tip = crown[rng.integers(2, 20)] * rng.uniform(0.84, 0.97)
        strand = curve(part, ((part[0] + tip[0]) / 2, tip[1] - 0.06), tip)
        canvas.line(strand, _shade(traits.hair, rng.choice((0.7, 1.3))), 0.025, 0.55)
    if traits.hair_length > 0.4:
        end = 0.1 + 1.1 * traits.hair_length
        inset = rng.uniform(0.02, 0.2)
        for side in (-1, 1):
            outer = curve(
                (side * (width + volume), -0.2),
                (side * (width + volume + 0.05), end * 0.5),
                (side * (width + 0.05), end),
            )
            inner = curve((side * (width - 0.05), end), (side * (width - inset), 0.2), (side * width * 0.8, -0.62))
            canvas.polygon(np.vstack([outer, inner]), _shade(traits.hair, 0.96))


def _glasses(canvas: Canvas, traits: Traits) -> None:
    y = _eye_level(traits)
    frame = _shade(traits.cloth, 0.35)
    for side in (-1, 1):
        rim = ellipse(side * 0.32, y, 0.25, 0.2)
        canvas.polygon(rim, (255, 255, 255), 0.12)
        canvas.line(np.vstack([rim, rim[:2]]), frame, 0.035)
        canvas.line(np.array([(side * 0.57, y), (side * traits.face_width, y - 0.03)]), frame, 0.035)
    canvas.line(curve((-0.08, y), (0, y - 0.05), (0.08, y)), frame, 0.035)


def _photograph(pixels: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Adds light from one side, exposure, white balance, contrast and sensor noise to float32 [size, size, 3]."""
    size = len(pixels)
    across = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    direction = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, 0.25) * (np.cos(direction) * across[None, :] + np.sin(direction) * across[:, None])
    balance = (rng.normal(1, 0.03) * (1 + rng.normal(0, 0.015, 3))).astype(np.float32)
    contrast = rng.normal(1, 0.05)
    pixels = (pixels - 128) * contrast + 128
    pixels = pixels * light[..., None].astype(np.float32) * balance
    pixels += rng.normal(0, rng.uniform(1, 5), (size, size, 1)).astype(np.float32)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
