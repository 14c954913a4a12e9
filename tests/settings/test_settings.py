"""Settings and selections: what is wrong is named with its file, its key and what is allowed."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from archiver.core.errors import SelectionError, SettingsError
from archiver.settings.reading import _user_directory, read_settings
from archiver.settings.selections import read_selection

SELECTION = 'title = "T"\nsource = "internet-archive"\nquery = "q"\npolicy = "all-cc"\nfiles = "originals"\n'


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    return tmp_path


def settings(text="", **environment):
    Path("archiver.toml").write_text(text)
    return read_settings(environment=environment)


def test_without_any_file_it_works_in_a_directory_of_its_own(here):
    found = read_settings(environment={})
    assert (found.home, found.catalogue_url) == (here / "archive", f"sqlite:///{here / 'archive' / 'catalogue.sqlite'}")
    assert found.stores["primary"].url == str(here / "archive" / "store")


@pytest.mark.parametrize("value", [None, "", "  ", "/etc/x", " /etc/x ", "relative/x", "~/x"])
def test_a_users_settings_are_where_platformdirs_has_them(monkeypatch, value):
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("XDG_CONFIG_HOME", value)
    assert _user_directory() == Path(platformdirs.user_config_dir("archiver", appauthor=False))


def test_paths_in_a_file_are_relative_to_the_file(here):
    (here / "etc").mkdir()
    (here / "etc" / "a.toml").write_text('[stores.primary]\nurl = "vault"\n')
    assert read_settings(config=Path("etc/a.toml"), environment={}).stores["primary"].url == str(here / "etc" / "vault")


def test_the_environment_comes_before_the_file_and_the_command_line_before_both(here):
    text = '[archive]\norganisation = "File"\n[harvest]\njobs = 2\n'
    found = settings(text, ARCHIVER_ARCHIVE__ORGANISATION="Environment", ARCHIVER_HARVEST__JOBS="7")
    assert (found.organisation, found.jobs) == ("Environment", 7)
    assert read_settings(home=here / "x", environment={"ARCHIVER_HOME": "y"}).home == here / "x"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[archiv]\n", ("archiver.toml", "archiv", "did you mean 'archive'", "catalogue")),
        ('[archive]\norganization = "x"\n', ("archive.organization", "did you mean 'organisation'")),
        ("[archive]\norganisation = 3\n", ("archive.organisation", "a text")),
        ('[harvest]\njobs = "4"\n', ("harvest.jobs", "a whole number")),
        ("[harvest]\njobs = 0\n", ("harvest.jobs", "at least 1")),
        ('[stores.primary]\nurl = "ftp://x/y"\n', ("stores.primary.url", "s3://BUCKET/PREFIX")),
        ("[stores.primary]\n", ("stores", "url")),
        ('[stores.Primary]\nurl = "x"\n', ("stores.Primary", "a-z, 0-9")),
        ('[stores.a]\nurl = "s3://b"\naddressing = "virtul"\n', ("stores.a.addressing", "auto, path, virtual")),
        ('[archive]\ncontact = "me"\n', ("archive.contact", "mailto:")),
        ('[catalogue]\nurl = "mysql://x"\n', ("catalogue.url", "sqlite:///FILE")),
        ('[sources.internet-archive]\nendpoint = "archive.org"\n', ("endpoint", "https://HOST")),
        ('[stores.a]\nurl = "s3://b"\nsecret_access_key = "hidden"\n', ("secrets are not kept here",)),
        ("not toml", ("archiver.toml", "not TOML")),
    ],
)
def test_what_is_wrong_is_named(here, text, named):
    with pytest.raises(SettingsError) as refused:
        settings(text)
    for word in named:
        assert word in str(refused.value)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("ARCHIVER_ARCHIV__CONTACT", "x", "did you mean 'archive'"),
        ("ARCHIVER_ARCHIVE__CONTAKT", "x", "did you mean 'contact'"),
        ("ARCHIVER_HARVEST__JOBS", "many", "ARCHIVER_HARVEST__JOBS"),
        ("ARCHIVER_STORES__A__SECRET", "hidden", "secrets are not kept here"),
    ],
)
def test_a_wrong_variable_is_named(here, variable, value, named):
    with pytest.raises(SettingsError, match=named) as refused:
        settings("", **{variable: value})
    assert "hidden" not in str(refused.value)


def selected(text):
    Path("manifests").mkdir(exist_ok=True)
    Path("manifests/one.toml").write_text(text)
    return read_selection("one", settings('[stores.primary]\nurl = "store"\n'))


def test_a_selection_is_read_as_it_is_written(here):
    found = selected(SELECTION + 'stores = ["primary"]\n')
    assert (found.name, found.query, found.policy.name, found.stores) == ("one", "q", "all-cc", ("primary",))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (SELECTION + "polcy = 1\n", ("polcy", "did you mean 'policy'", "title")),
        (SELECTION.replace('"q"', "3"), ("query", "a text")),
        (SELECTION.replace('"q"', '"  "'), ("query", "is empty")),
        (SELECTION + 'items = ["a"]\n', ("query, items", "exactly one")),
        (SELECTION.replace('query = "q"', "items = []"), ("items", "is empty")),
        (SELECTION.replace('query = "q"', 'items = ["../x"]'), ("items", "no identifier")),
        (SELECTION.replace('query = "q"', 'items = ["a", "a"]'), ("items", "twice")),
        (SELECTION.replace("all-cc", "all"), ("policy", "free-culture")),
        (SELECTION.replace('"internet-archive"', '"internet-archiv"'), ("source", "internet-archive")),
        (SELECTION.replace('"originals"', '"orginals"'), ("files", "originals")),
        (SELECTION + 'stores = ["mirror"]\n', ("stores", "primary")),
        (SELECTION + "stores = []\n", ("stores", "at least one")),
        (SELECTION + 'public_domain_mark = "yes"\n', ("public_domain_mark", "accept")),
        ("title", ("not TOML",)),
    ],
)
def test_what_is_wrong_in_a_selection_is_named(here, text, named):
    with pytest.raises(SelectionError) as refused:
        selected(text)
    for word in ("one.toml", *named):
        assert word in str(refused.value)


def test_a_selection_that_is_not_there_is_answered_with_those_that_are(here):
    selected(SELECTION)
    with pytest.raises(SelectionError, match="did you mean 'one'"):
        read_selection("onne", settings())


@pytest.mark.parametrize(
    "file", sorted((Path(__file__).parents[2] / "manifests").rglob("*.toml")), ids=lambda p: p.stem
)
def test_every_selection_that_ships_is_valid(here, file):
    read_selection(str(file), settings())


def test_a_source_of_ours_is_found_without_searching_what_is_installed(here, monkeypatch):
    found = settings("[sources.local]\ntries = 2\n").sources
    monkeypatch.setattr("archiver.settings.registered.registered_sources", lambda: pytest.fail("searched"))
    assert (found["local"].tries, found["commons"].tries, "internet-archive" in found) == (2, 5, True)
    assert found["internet-archive"].endpoint == "https://archive.org"


def test_a_source_that_nobody_brings_is_not_there(here):
    found = settings().sources
    assert "nobody" not in found
    assert len(found) == len(list(found)) >= 10
