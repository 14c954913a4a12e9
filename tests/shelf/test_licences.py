import pytest

from archiver.core.errors import CannotRunError
from archiver.shelf import licence_table
from archiver.shelf.licences import checked_table


def test_the_table_has_every_legal_tool():
    # "639 legal tools (636 licenses and 3 public domain tools)", README of creativecommons/cc-legal-tools-app
    tools = licence_table().tools

    assert len(tools) == 639
    assert sum(tool.is_licence for tool in tools) == 636


def test_a_changed_table_decides_nothing():
    with pytest.raises(CannotRunError, match="not the one that was checked"):
        checked_table(b"url,unit\n", "0" * 64)


def test_every_selection_that_ships_is_read(tmp_path):
    from archiver.settings.reading import read_settings
    from archiver.settings.selections import read_selection
    from archiver.shelf.selections import sample_selections

    settings = read_settings(environment={}, home=tmp_path)
    texts = sample_selections()
    assert len(texts) >= 4
    for name, text in texts.items():
        file = tmp_path / f"{name}.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        assert read_selection(str(file), settings).name == file.stem
    assert {name for name in texts if "/" in name} == {
        f"examples/{name}" for name in ("dataset", "fma-dataset", "jamendo", "podcasts")
    }
