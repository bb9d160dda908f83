# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Which image files are accepted, and how they are converted so that a network receives them as displayed.

TensorFlow's `tf.io.decode_jpeg(x, channels=3, dct_method='INTEGER_ACCURATE')` decodes gray and colour JPEG and PNG. It
ignores Exif orientation and colour profiles (ICC), drops alpha, truncates 16 bits to 8, inverts CMYK without an Adobe
marker and refuses BMP. `as_displayed` corrects this at ingestion and in `predict`; callers of the raw serving signature
must do it themselves.

Without a usable profile, values count as sRGB; PNG's gAMA, cHRM and cICP are ignored. CMYK is read as Adobe writes it
(inverted).
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from PIL import BmpImagePlugin, Image, ImageFile, ImageStat, JpegImagePlugin, PngImagePlugin

from components.errors import InputError
from components.stratified_example_gen import bit_fields, colour_profiles, jpeg_header, png_header
from components.stratified_example_gen.headers import read_header
from components.stratified_example_gen.image_header import BMP, JPEG, PNG, Header, HeaderError
from components.stratified_example_gen.records import Measures

# 150 MB as RGB, and briefly five times that during alpha compositing: ample for a portrait, affordable for a worker.
MAX_PIXELS = 50_000_000
# Longer files are rejected unread. At the most pixels this allows ten bits per pixel.
MAX_BYTES = 64 * 1024 * 1024
_SIDE = 64  # least sides in pixels of thumbnails, and the sides of what `measure` measures

# Reasons of `inspect`, with their wording in messages.
REASONS = {
    'zero_bytes': 'empty file',
    'truncated': 'truncated',
    'damaged': 'damaged',
    'not_an_image': 'not an image',
    'unsupported_format': 'a format other than JPEG, PNG and BMP',
    'animated': 'animated',
    'too_many_pixels': 'too many pixels',
    'too_small': 'smaller than min_size',
}

# The inverse of each Exif orientation.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Inspection:
    """The result of `inspect`.

    Attributes:
      reason: a key of `REASONS`, or None if the image is accepted.
      detail: details for messages; empty if accepted.
      width: pixels per row as displayed (after rotation); 0 if the header is unreadable.
      height: rows as displayed.
      needs_conversion: `as_displayed` would return a PNG instead of the file's bytes.
      recoloured: the colour profile changes colours, which needs conversion.
      profile_problem: why the colour profile is ignored; empty if it is not, or there is none.
      data: the file, if it is accepted.
      header: its header.
      decoded: what the check decoded, if `thumbnail` can use it.
    """

    reason: str | None
    detail: str = ''
    width: int = 0
    height: int = 0
    needs_conversion: bool = False
    recoloured: bool = False
    profile_problem: str = ''
    data: bytes = field(default=b'', compare=False, repr=False)
    header: Header | None = field(default=None, compare=False, repr=False)
    decoded: Image.Image | None = field(default=None, compare=False, repr=False)

    def thumbnail(self) -> Image.Image:
        """The image as displayed (RGB), at the least resolution in the file with sides of at least 64 pixels.

        Raises:
          InputError: the image is rejected.
        """
        if self.header is None:
            raise InputError(f'{REASONS[self.reason or "damaged"]}: {self.detail}')
        image = self.decoded or _decode(self.data, self.header, at_least=_SIDE)
        return _upright(_on_white(image, self.header), self.header)

    def measure(self, thumbnail: Image.Image | None = None) -> Measures:
        """Measures the image.

        Args:
          thumbnail: the result of `thumbnail`, if the caller has it.

        Raises:
          InputError: the image is rejected.
        """
        import numpy as np

        small = (thumbnail or self.thumbnail()).resize((_SIDE, _SIDE), Image.Resampling.BOX)
        luma, saturation = small.convert('L'), small.convert('HSV').getchannel('S')
        a = np.asarray(luma, np.int16)
        laplacian = 4 * a[1:-1, 1:-1] - a[:-2, 1:-1] - a[2:, 1:-1] - a[1:-1, :-2] - a[1:-1, 2:]
        brightness, colour = (ImageStat.Stat(band).mean[0] for band in (luma, saturation))
        return Measures(self.width, self.height, brightness, colour, float(np.abs(laplacian).mean()))


def inspect(data: bytes, least_side: int = 1, max_pixels: int = MAX_PIXELS) -> Inspection:
    """Checks the header of an encoded image, then decodes all of it.

    Args:
      data: the content of the file.
      least_side: least pixels of the shorter side.
      max_pixels: images with more pixels are rejected by their header and never decoded.
    """
    try:
        header = read_header(data)
    except HeaderError as error:
        return Inspection(error.reason, error.detail)
    width, height = _upright_size(header)
    if width * height > max_pixels:
        return Inspection('too_many_pixels', f'{width}×{height} pixels; the limit is {max_pixels:,}', width, height)
    if min(width, height) < least_side:
        return Inspection('too_small', f'{width}×{height} pixels; data.min_size is {least_side}', width, height)
    try:
        image = _decode_all(data, header)
    except HeaderError as error:
        return Inspection(error.reason, error.detail, width, height)
    recoloured, problem = colour_profiles.is_applied(header), colour_profiles.problem(header)
    converts = recoloured or _needs_conversion(header, image)
    shared = image if header.depth != 16 and not header.progressive else None
    return Inspection(None, '', width, height, converts, recoloured, problem, data, header, shared)


def as_displayed(data: bytes) -> bytes:
    """An encoded image that TensorFlow decodes to the pixels of `data` as displayed.

    Returns:
      `data` itself if `tf.io.decode_jpeg(channels=3, dct_method='INTEGER_ACCURATE')` gives the right pixels; otherwise
      a PNG with three channels of 8 bits, without a profile: rotated upright, colours converted to sRGB by the colour
      profile, CMYK and YCCK converted to RGB, alpha composited on white, 16 bits rounded to 8 first. Only profiles and
      that rounding lose precision.

    Raises:
      InputError: `inspect` rejects the image; the caller adds the file name.
    """
    inspection = inspect(data)
    if inspection.reason is not None:
        raise InputError(f'{REASONS[inspection.reason]}: {inspection.detail}')
    if not inspection.needs_conversion:
        return data
    buffer = io.BytesIO()
    displayed(data).save(buffer, 'PNG', icc_profile=None)
    return buffer.getvalue()


def displayed(data: bytes, at_least: int | None = None) -> Image.Image:
    """An accepted image as displayed, RGB; with `at_least`, a JPEG at the least resolution with sides of that length.

    Raises:
      InputError: the image does not decode.
    """
    try:
        header = read_header(data)
        image = _decode(data, header, at_least)
    except HeaderError as error:
        raise InputError(f'{REASONS[error.reason]}: {error.detail}') from None
    return _upright(_on_white(image, header), header)


def upright_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of an accepted image as displayed."""
    return _upright_size(read_header(data))


def _upright(image: Image.Image, header: Header) -> Image.Image:
    return image if header.orientation == 1 else image.transpose(_UPRIGHT[header.orientation])


def _upright_size(header: Header) -> tuple[int, int]:
    sides = (header.width, header.height)
    return (sides[1], sides[0]) if header.orientation >= 5 else sides


# Pillow's decoders. Image.open would hide why one of them refuses a file.
_DECODERS: dict[str, type[ImageFile.ImageFile]] = {
    JPEG: JpegImagePlugin.JpegImageFile,  # of several pictures, as phones write, this reads the first, which is shown
    PNG: PngImagePlugin.PngImageFile,
    BMP: BmpImagePlugin.BmpImageFile,
}


def _decode_all(data: bytes, header: Header) -> Image.Image:
    """Decodes all data as training will, to find damage; returns a JPEG at the least resolution for thumbnails.

    Raises:
      HeaderError: truncated or damaged.
    """
    # At a lower resolution, all data of a JPEG are read, except a progressive one's.
    at_least = None if header.progressive else _SIDE
    image = _pillow(data, header, at_least)
    if header.format == JPEG:
        again = _pillow(jpeg_header.with_fillers(data, header), header, at_least)
        if image.tobytes() != again.tobytes():
            raise HeaderError('truncated', 'image data are missing before the end of the JPEG')
    elif header.format == PNG:
        png_header.check_pixels(data, header)
        _check_decodes(data)
    return image


def _check_decodes(png: bytes) -> None:
    """Raises HeaderError if TensorFlow refuses a PNG. A client without TensorFlow leaves that to the served model."""
    try:
        import tensorflow as tf
    except ModuleNotFoundError:
        return
    try:
        tf.io.decode_jpeg(png, channels=3)  # also decodes PNG, as in the exported model
    except tf.errors.OpError:
        raise HeaderError('damaged', 'TensorFlow does not decode this PNG') from None


def _decode(data: bytes, header: Header, at_least: int | None = None) -> Image.Image:
    """Decodes an accepted image to 8 bits; with `at_least`, a JPEG at the least resolution with such sides."""
    return _sixteen_bits(data) if header.depth == 16 else _pillow(data, header, at_least)


def _pillow(data: bytes, header: Header, at_least: int | None) -> Image.Image:
    try:
        if header.format == BMP and bit_fields.is_used(data):
            return bit_fields.decode(data)
        image = _DECODERS[header.format](io.BytesIO(png_header.without_hidden_chunks(data, header)))
        if image.size != (header.width, header.height):
            # A second size in the header must not circumvent the limit.
            raise HeaderError('damaged', f'the header has two sizes, {header.width}×{header.height} and {image.size}')
        if at_least is not None and header.format == JPEG:
            # No mode: for gray, libjpeg would skip the colours and miss damage there.
            image.draft(None, (at_least, at_least))
        image.load()
    except HeaderError:
        raise
    except Exception as error:
        # Pillow's parsers raise OSError, SyntaxError, ValueError, struct.error, zlib.error …
        text = ' '.join(str(error).split())
        reason = 'truncated' if 'truncated' in text.lower() else 'damaged'
        raise HeaderError(reason, f'the {header.format} does not decode: {text or type(error).__name__}') from None
    return image


def _needs_conversion(header: Header, image: Image.Image) -> bool:
    if header.format == BMP or header.orientation != 1:
        return True
    if header.format == JPEG:
        return header.channels == 4
    return header.depth == 16 or _is_transparent(header, image)


def _is_transparent(header: Header, image: Image.Image) -> bool:
    """Whether any pixel is transparent; an alpha channel may be opaque everywhere."""
    if not header.may_be_transparent:
        return False
    if 'A' not in image.getbands():
        image = image.convert('RGBA')
    lowest, _ = image.getchannel('A').getextrema()
    return bool(lowest != 255)


def _on_white(image: Image.Image, header: Header) -> Image.Image:
    if 'A' not in image.getbands() and 'transparency' not in image.info:
        return colour_profiles.to_srgb(image, header)
    image = image.convert('RGBA')
    seen = colour_profiles.to_srgb(image, header)
    seen.putalpha(image.getchannel('A'))
    return Image.alpha_composite(Image.new('RGBA', seen.size, 'white'), seen).convert('RGB')


def _sixteen_bits(data: bytes) -> Image.Image:
    """A PNG of 16 bits per component as RGBA of 8 bits, each rounded: v·255/65535.

    Uses TensorFlow, because Pillow truncates colour and clips gray.
    """
    import numpy as np

    try:
        import tensorflow as tf
    except ModuleNotFoundError:
        raise InputError(
            'a PNG of 16 bits per component needs TensorFlow, which is not installed; save it with 8 bits'
        ) from None
    wide = tf.io.decode_png(data, channels=4, dtype=tf.uint16).numpy()  # [H, W, 4], uint16
    rounded = np.empty(wide.shape, np.uint8)
    for top in range(0, len(wide), 64):  # in bands, because products take four bytes each
        rounded[top : top + 64] = (wide[top : top + 64].astype(np.uint32) * 255 + 32767) // 65535
    return Image.fromarray(rounded)
