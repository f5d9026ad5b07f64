"""Which modules of the edge run compiled, and when."""

import sys

import pytest

from edge import native


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Sources of their own, an environment of their own, and an import system as it was, afterwards too."""
    root = tmp_path / "root"
    monkeypatch.setattr(native, "_ROOT", root)
    monkeypatch.setattr(native, "MODULES", ("pkg.one", "pkg.two"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    (root / "pkg").mkdir(parents=True)
    for path in native.sources():
        path.write_text("pass\n")
    return root


def compile_it(project):
    """As Python's own modules, which are found the same way as C's."""
    place = native.folder()
    (place / "pkg").mkdir(parents=True)
    (place / "pkg" / "one.py").write_text("compiled = True\n")
    return place


def test_every_module_that_is_compiled_exists():
    assert [path for path in native.sources() if not path.is_file()] == []


def test_an_edited_source_is_not_overruled_by_what_was_compiled_before(project):
    place = compile_it(project)
    assert native.folder() == place
    native.sources()[1].write_text("pass  # edited\n")
    assert native.folder() != place
    assert not native.use()


def test_what_was_compiled_is_found_before_its_source(project):
    place = compile_it(project)
    before = len(sys.meta_path)
    assert native.use()
    assert len(sys.meta_path) == before + 1
    finder = sys.meta_path[0]
    assert finder.find_spec("pkg.one").origin == str(place / "pkg" / "one.py")
    assert finder.find_spec("pkg.other") is None
    assert str(place) in sys.path


def test_a_module_missing_among_the_compiled_ones_is_said_and_not_replaced_by_its_source(project):
    compile_it(project)
    assert native.use()
    with pytest.raises(ImportError, match=r"pkg\.two is missing in .*Remove that folder and start again"):
        sys.meta_path[0].find_spec("pkg.two")


def test_nothing_is_used_that_was_not_compiled_or_comes_too_late(project, monkeypatch):
    before = list(sys.meta_path)
    assert not native.use()
    compile_it(project)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pkg.two", sys)
        assert not native.use()
    native.sources()[0].unlink()
    assert not native.use()
    assert sys.meta_path == before


def test_without_a_compiler_the_sentence_says_what_to_install(project, monkeypatch, capsys):
    monkeypatch.setattr(native.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit) as stopped:
        native.main()
    assert stopped.value.code == 3
    assert "runs as Python" in capsys.readouterr().err
