# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Settings of StratifiedExampleGen reject invalid values when they are made."""

import pytest

from components.errors import InputError
from components.stratified_example_gen.settings import LAYOUTS, UTKFACE, Settings


def test_a_single_directory_is_a_list_of_one():
    assert Settings(directories='aligned').directories == ('aligned',)
    assert Settings(directories=['aligned', 'valid']).directories == ('aligned', 'valid')


@pytest.mark.parametrize('directories', [[], ['../x'], ['/etc'], ['a/b'], [''], ['.'], ['..'], ['aligned'] * 2])
def test_directories_must_be_distinct_plain_names(directories):
    with pytest.raises(InputError, match=r'^data\.directories: expected .* name'):
        Settings(directories=directories)


def test_only_the_flat_layout_reads_the_root_itself():
    assert Settings(layout=UTKFACE, directories='.').directories == ('.',)
    with pytest.raises(InputError, match=r'plain folder names below the root, or "\."'):
        Settings(layout=UTKFACE, directories='..')


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'layout': 'flat'}, "data.layout: expected one of folders, utkface, manifest, found 'flat'"),
        ({'split': 'foo'}, "data.split: expected one of stratified, shuffled, found 'foo'"),
        ({'fractions': (0.6, 0.2, 0.3)}, 'data.fractions: expected three shares above 0 that add up to 1'),
        ({'fractions': (0.5, 0.5)}, 'data.fractions: expected three shares'),
        ({'fractions': (1.0, 0.0, 0.0)}, 'data.fractions: expected three shares above 0'),
        ({'fractions': (1.5, -0.25, -0.25)}, 'data.fractions: expected at least 0 and at most 1, found 1.5'),
        ({'fractions': 'most'}, "data.fractions: expected a number, found 'most'"),
        ({'per_folder': 0}, 'data.per_folder: expected at least 1, found 0'),
        ({'per_folder': 2.5}, 'data.per_folder: expected a whole number, found 2.5'),
        ({'seed': -1}, 'data.seed: expected at least 0, found -1'),
        ({'shards': 0}, 'data.shards: expected at least 1 and at most 10000, found 0'),
        ({'min_size': 0}, 'data.min_size: expected at least 1, found 0'),
        ({'max_bad_fraction': 1.5}, 'data.max_bad_fraction: expected at least 0 and at most 1, found 1.5'),
        ({'near_duplicate_distance': 40}, 'near_duplicate_distance: expected at least 0 and at most 16'),
        ({'manifest_columns': ('race', 'race')}, 'data.manifest_columns: expected each column once'),
        ({'layout': 'manifest', 'directories': ('a', 'b')}, 'data.directories: expected one path below the data root'),
        ({'layout': 'manifest', 'labels': '../x.csv'}, 'data.labels: expected one path below the data root'),
        ({'layout': 'manifest', 'female_values': 'Man'}, 'data.female_values: expected at least one text, and none of'),
        ({'male_values': 1.5}, 'data.male_values: expected text, found 1.5'),
        ({'manifest_columns': 'gender'}, 'data.manifest_columns: expected names that are not already features'),
    ],
)
def test_invalid_values(values, message):
    with pytest.raises(InputError) as error:
        Settings(**values)
    assert message in str(error.value)
    assert '\n' not in str(error.value)


def test_directories_depend_on_the_layout():
    assert [Settings(layout=name).sources for name in LAYOUTS] == [('aligned',), ('.',), ('.',)]


def test_columns_in_file_names_come_first():
    columns = ('smile', 'race')
    found = {name: Settings(layout=name, manifest_columns=columns) for name in LAYOUTS}
    assert {name: (found[name].columns, found[name].joined_columns) for name in LAYOUTS} == {
        'folders': (columns, columns),
        'utkface': (('race', 'smile'), ('smile',)),
        'manifest': (columns, ()),
    }


def test_numbers_of_a_table_are_texts():
    settings = Settings(layout='manifest', male_values=1, female_values=[-1])
    assert settings.gender_values == (('1',), ('-1',))


def test_json_keeps_every_value():
    settings = Settings(
        per_folder=None, fractions=(0.5, 0.25, 0.25), manifest_columns='race', near_duplicate_distance=2
    )
    assert Settings.from_json(settings.to_json()) == settings
