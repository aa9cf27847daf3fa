"""A fault of Thalweg is an error that programs catch, says that it is one, and leaves standard error alone."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import thalweg
from thalweg import _native

SOURCES = Path(__file__).parents[1] / "src"

# Only a build for development panics on demand.
debug = pytest.mark.skipif(not hasattr(_native, "_panic"), reason="a release cannot be made to panic")


@debug
@pytest.mark.parametrize("in_a_thread", [False, True])
def test_a_panic_is_an_internal_error(in_a_thread):
    with pytest.raises(Exception, match="one row too few") as caught:
        _native._panic("one row too few", in_a_thread)
    error = caught.value
    assert type(error) is thalweg.InternalError
    assert re.match(r".*lib\.rs:\d+:\d+$", error.place)
    assert "fault of Thalweg" in error.remedy and "fault of Thalweg" in str(error)


@debug
def test_nothing_is_printed_and_work_goes_on():
    program = """
import thalweg
from thalweg import _native
for in_a_thread in (False, True):
    try:
        _native._panic("a fault", in_a_thread)
    except Exception as error:
        print(type(error).__name__)
print(thalweg.train([[0.0], [1.0]] * 20, [0.0, 1.0] * 20, epochs=1, verbose=0).end)
"""
    environment = {name: value for name, value in os.environ.items() if name != "RUST_BACKTRACE"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split("\n")[:3] == ["InternalError", "InternalError", "all epochs done"]
    assert done.stderr == ""


def test_every_function_of_the_extension_catches_panics():
    guards = ("held(", "released(", "watched(", "self.in_precision(")
    plain = {"interrupted", "folder", "model", "runs"}
    unguarded, found = [], 0
    for path in sorted(SOURCES.glob("*.rs")):
        text = path.read_text(encoding="utf-8")
        functions = re.findall(r"^#\[pyfunction.*?\n}\n", text, re.DOTALL | re.MULTILINE)
        for methods in re.findall(r"#\[pymethods\]\nimpl .*?\n}\n", text, re.DOTALL):
            functions += re.split(r"\n\n    (?=/// )", methods)
        for function in functions:
            name = re.search(r"\bfn (\w+)", function)[1]
            if name not in plain and not any(guard in function for guard in guards):
                unguarded.append(f"{path.name}: {name}")
        found += len(functions)
    assert found > 25
    assert unguarded == []
