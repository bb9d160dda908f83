# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The text format parser: values, and errors that name the line."""

import time

import pytest

from components.caffe_converter.message import Message
from components.caffe_converter.prototxt import MAX_DEPTH, MAX_FIELDS, parse, read_prototxt
from components.errors import InputError


def test_every_feature_of_the_format():
    net = parse(
        """
        # a comment
        name: "a" 'b'   # adjacent strings are one
        text: "tab\\t quote\\" octal\\101 hex\\x42 umlaut\\303\\244"
        dims: [1, 2,3] dims: 0x10
        x: -1.5e2f; y: .5, z: 3.
        flag: true other: f
        inner < a: 1 > inner: { a: - 2 }
        empty {}
        kind: MAX
        """
    )
    assert net.string('name', '') == 'ab'
    assert net.string('text', '') == 'tab\t quote" octalA hexB umlautä'
    assert net.integers('dims') == [1, 2, 3, 16]
    assert [net.number(key, 0) for key in 'xyz'] == [-150, 0.5, 3]
    assert net.boolean('flag', False) is True and net.boolean('other', True) is False
    assert [m.integer('a', 0, -5) for m in net.messages('inner')] == [1, -2]
    assert net.message('empty').fields == {}
    assert net.enum('kind', {0: 'MAX'}, '') == 'MAX'
    assert net.integer('absent', 7) == 7
    assert net.messages('inner')[1].line == 8


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (
            'a {\n b: 1',
            r"line 2: expected '}' for the message opened on line 1, found the end of the file; is the file tr",
        ),
        ('a: 1\n}', "line 2: expected a field name, found '}'"),
        ('a 1', "line 1: expected ':' or '{' after 'a', found '1'"),
        ('a:', 'line 1: expected a value, found the end'),
        ('a: [1 2]', "line 1: expected ',' or ']', found '2'"),
        ('\n\na: "x', "line 3: unexpected '\"x'"),
        ('a: "\\377"', 'is not UTF-8'),
        ('a: 12x', 'unexpected'),
        ('a {' * (MAX_DEPTH + 1), f'nested deeper than {MAX_DEPTH}'),
        ('a:1 ' * (MAX_FIELDS + 1), f'more than {MAX_FIELDS} fields'),
    ],
)
def test_errors_name_the_line(text, message):
    with pytest.raises(InputError) as error:
        parse(text, 'net.prototxt')
    assert message in str(error.value)
    assert '\n' not in str(error.value)
    assert str(error.value).startswith('net.prototxt line ')


@pytest.mark.parametrize(
    ('text', 'read'),
    [
        ('a: 1 a: 2', lambda m: m.integer('a', 0)),
        ('a: -1', lambda m: m.integer('a', 0)),
        ('a: 4294967296', lambda m: m.integer('a', 0)),
        (f'a: {"9" * 100_000}', lambda m: m.integer('a', 0)),
        ('a: 1.5', lambda m: m.integer('a', 0)),
        ('a: "1"', lambda m: m.integer('a', 0)),
        ('a {}', lambda m: m.integer('a', 0)),
        ('a: nan', lambda m: m.number('a', 0)),
        ('a: 1e999', lambda m: m.number('a', 0)),
        ('a: maybe', lambda m: m.boolean('a', True)),
        ('a: MIN', lambda m: m.enum('a', {0: 'MAX'}, 'MAX')),
        ('a: b', lambda m: m.string('a', '')),
        ('a: 1', lambda m: m.message('a')),
        ('a {} a {}', lambda m: m.message('a')),
        ('kernal_size: 3', lambda m: m.expect(['kernel_size'], 'the layer')),
    ],
)
def test_values_of_a_wrong_type(text, read):
    with pytest.raises(InputError, match=r'^<prototxt> line 1: ') as error:
        read(parse(text))
    assert len(str(error.value)) < 300
    if 'kernal' in text:
        assert 'did you mean kernel_size?' in str(error.value)


@pytest.mark.parametrize('text', ['1' * 2_000_000 + 'a', '"' * 1_000_001, '-' + ' ' * 2_000_000, '\\' * 500_000])
def test_hostile_tokens_are_refused_quickly(text):
    started = time.monotonic()
    with pytest.raises(InputError):
        parse('a: ' + text)
    assert time.monotonic() - started < 2


def test_files(tmp_path):
    with pytest.raises(InputError, match='found no such file'):
        read_prototxt(tmp_path / 'none')
    with pytest.raises(InputError, match='found a folder'):
        read_prototxt(tmp_path)
    (tmp_path / 'binary').write_bytes(b'\x0a\x03net\x00\x00')
    with pytest.raises(InputError, match=r'found a binary file; are PROTOTXT and CAFFEMODEL swapped'):
        read_prototxt(tmp_path / 'binary')
    (tmp_path / 'page').write_text('<!DOCTYPE html>\n<html lang="en"><body>Not found</body></html>')
    with pytest.raises(InputError, match='expected a prototxt, found a web page; the download failed'):
        read_prototxt(tmp_path / 'page')
    (tmp_path / 'pointer').write_text('version https://git-lfs.github.com/spec/v1\noid sha256:0')
    with pytest.raises(InputError, match='found a Git LFS pointer'):
        read_prototxt(tmp_path / 'pointer')
    (tmp_path / 'latin').write_bytes('name: "a"\nname: "ä"'.encode('latin-1'))
    with pytest.raises(InputError, match='line 2: expected UTF-8'):
        read_prototxt(tmp_path / 'latin')
    with open(tmp_path / 'big', 'wb') as stream:
        stream.truncate(10 << 30)
    with pytest.raises(InputError, match='swapped'):
        read_prototxt(tmp_path / 'big')
    (tmp_path / 'windows').write_bytes(b'\xef\xbb\xbfname: "a"\r\nb: 1\r\n')
    assert isinstance(read_prototxt(tmp_path / 'windows'), Message)
