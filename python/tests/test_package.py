"""The package as a whole: what it exports, its stubs, its examples, and what importing it costs."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import thalweg
from thalweg import _keywords, _native

FOLDER = Path(thalweg.__file__).parent
MODULES = sorted(module.name for module in pkgutil.iter_modules([str(FOLDER)]) if module.name != "_native")


@pytest.mark.parametrize("name", ["thalweg", *(f"thalweg.{module}" for module in MODULES)])
def test_examples_in_docstrings_run(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0


def test_everything_exported_is_there_and_documented():
    for name in thalweg.__all__:
        value = getattr(thalweg, name)
        assert name == "__version__" or inspect.getdoc(value), name
    assert set(thalweg.__all__) <= set(dir(thalweg))
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        thalweg.trian


def test_importing_loads_nothing_heavy():
    code = "import sys, thalweg; print(sorted({'numpy', 'sklearn', 'pandas', 'thalweg._native'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_stubs_name_what_the_extension_has():
    tree = ast.parse((FOLDER / "_native.pyi").read_text(encoding="utf-8"))
    public = lambda names: {name for name in names if not name.startswith("_")}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    named = {getattr(node, "name", None) or getattr(getattr(node, "target", None), "id", "_") for node in tree.body}
    named = public(named)
    assert named == public(dir(_native))
    for name, node in classes.items():
        members = {inner.name for inner in node.body if isinstance(inner, ast.FunctionDef)}
        assert public(members) == public(dir(getattr(_native, name))), name


def test_stubs_name_what_the_package_exports():
    tree = ast.parse((FOLDER / "__init__.pyi").read_text(encoding="utf-8"))
    named = [alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted([*named, "__version__"]) == sorted(thalweg.__all__)


def test_functions_take_every_option_by_its_name():
    options = [option["name"] for option in thalweg.options()]
    assert ["path", *_keywords.Options.__annotations__] == options
    for function in (thalweg.train, thalweg.tune, thalweg.check_gradients):
        assert inspect.signature(function).parameters["options"].annotation == "Unpack[Options]"


@pytest.mark.parametrize("kind", [thalweg.ThalwegClassifier, thalweg.ThalwegRegressor])
def test_keywords_of_estimators_are_in_the_signature_and_the_docstring(kind):
    keywords = inspect.signature(kind).parameters
    described = re.findall(r"^(\w+) : ", inspect.getdoc(kind.__init__), re.MULTILINE)
    assert described == list(keywords) and sorted(described) == list(kind().get_params())
    assert all(keyword.kind is keyword.KEYWORD_ONLY for keyword in keywords.values())


def test_the_pages_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = (FOLDER.parent.parent / "docs/python.md").read_text(encoding="utf-8")
    names = {}
    for block in page.split("```python\n")[1:]:
        exec(block.split("```")[0], names)
    told = capsys.readouterr().out.split("\n")
    assert told.count("True") == 4 and "False" not in told
    assert float(told[0]) > 0.9
