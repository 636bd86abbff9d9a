"""The plan of the house: who may know whom, and which library lives where."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import flowdenoise

PACKAGE = Path(flowdenoise.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

FLOORS = (
    "errors",  # what can go wrong
    "system",  # folders, files, devices, random streams, checked types
    "metrics",  # loose: formulas on tensors, of which engine, training and benchmark need a few
    "noise",  # its levels and kinds
    "images",  # files to tensors and back
    "optimization",  # the loop that trains any model
    "data",  # corpora and patches
    "networks",  # d(noisy, sigma)
    "flow",  # log p(x)
    "weights",  # networks in files
    "estimation",  # what noise a picture has
    "engine",  # pictures of any size through a network
    "hosts",  # in programs of others
    "training",  # corpora to networks
    "batch",  # files through the engine
    "page",  # a browser's window on it
    "benchmark",  # methods measured
    "api",  # loose: all of it as one function
    "cli",  # all of it as commands
)
"""The rooms from the ground up, each on a floor of its own: it may know those below."""

STRANGERS = (
    {"benchmark", "training"},
    {"noise", "optimization"},
    {"benchmark", "optimization"},
    {"data", "weights"},
    {"data", "estimation"},
    {"data", "engine"},
    {"api", "cli"},
    {"page", "benchmark"},
)
"""Rooms that must not know each other although one lies above the other."""

FENCES = {
    "typer": {"cli"},
    "rich": {"cli"},
    "huggingface_hub": {"weights"},
    "safetensors": {"weights"},
    "PIL": {"images"},
    "fsspec": {"batch"},
    "cv2": {"benchmark", "images", "noise"},  # non-local means, 16-bit PNG, demosaicing
    "pillow_heif": {"images"},
    "pillow_jxl": {"images"},
    "ray": {"batch"},
    "spandrel": {"hosts"},
    "starlette": {"page"},
    "uvicorn": {"page"},
}
"""Library, and the only rooms that may use it."""

SIZE, LENGTH = 400, 45  # lines of a module, lines of a function without its docstring
LOOSE = 5  # modules at the top, besides `__main__` and the door


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Dotted names that a module imports, wherever in it, by a statement or by a text."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and re.fullmatch(
            r"flowdenoise(\.\w+)+", str(node.value)
        ):
            names.add(str(node.value))
    return names


def inner() -> list[Path]:
    doors = {PACKAGE / "__init__.py", PACKAGE / "__main__.py"}
    return [path for path in MODULES if path not in doors]


def others(path: Path) -> Iterator[tuple[str, str]]:
    """The rooms that a module looks into, each with what it takes from there."""
    for name in imported(path):
        package, _, inside = name.partition(".")
        other, _, taken = inside.partition(".")
        if package == "flowdenoise" and other not in (room(path), "__version__"):
            yield other, taken


@pytest.mark.parametrize("path", inner(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downward(path: Path) -> None:
    own = room(path)
    for other, _ in others(path):
        assert other in FLOORS, f"{own} must not take {other} from the front door"
        assert FLOORS.index(other) < FLOORS.index(own), f"{own} must not know {other}"
        assert not any({own, other} <= pair for pair in STRANGERS), f"{own} must not know {other}"


@pytest.mark.parametrize("path", inner(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_is_entered_by_its_door(path: Path) -> None:
    for other, taken in others(path):
        inside = importlib.import_module(f"flowdenoise.{other}")
        if taken and hasattr(inside, "__path__"):
            name = taken.partition(".")[0]
            assert name in inside.__all__, f"flowdenoise.{other} does not export {name}"


def test_every_room_has_a_floor_and_few_modules_are_loose() -> None:
    rooms = {room(path) for path in inner()}
    assert rooms == set(FLOORS)
    loose = [path for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")]
    assert len(loose) <= LOOSE - len(list(PACKAGE.glob("__*.py"))), loose


def test_a_name_is_borne_by_one_module() -> None:
    names = sorted(path.stem for path in MODULES if not path.stem.startswith("__"))
    assert names == sorted(set(names)), [a for a, b in pairwise(names) if a == b]


def types_of(path: Path) -> set[str]:
    """The public types that a module names at its top: classes, and names for other types."""
    named: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            named.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in named if re.fullmatch(r"[A-Z]+[a-z]\w*", name)}


@pytest.mark.parametrize("floor", [floor for floor in FLOORS if floor != "cli"])
def test_a_type_has_one_home_in_its_room(floor: str) -> None:
    """In `cli` the types are tables of options, of which each command may have its own."""
    homes = Counter(name for path in inner() if room(path) == floor for name in types_of(path))
    assert not [name for name, count in homes.items() if count > 1]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=str)
def test_no_module_bears_the_name_of_what_its_room_exports(path: Path) -> None:
    """`from room import name` would give the module or the function, whichever came first."""
    exported = {name.rpartition(".")[2] for name in imported(path)}
    assert not exported & {module.stem for module in path.parent.iterdir()}


@pytest.mark.parametrize("path", inner(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries_stay_behind_their_fences(path: Path) -> None:
    for name in imported(path):
        library = name.split(".")[0]
        assert room(path) in FENCES.get(library, {room(path)}), f"{library} in {path}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_rooms_are_not_crowded(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= SIZE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno
            if ast.get_docstring(node):
                lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            if room(path) == "cli":  # a command's signature is its table of options
                lines -= node.body[0].lineno - node.lineno
            assert lines <= LENGTH, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_library_code_does_not_print(path: Path) -> None:
    if room(path) == "cli":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_library_knows_no_options_of_the_command(path: Path) -> None:
    """Errors name a setting as the library calls it; the command writes its option instead."""
    if room(path) == "cli":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise):
            assert not re.search(r"(?<![\w-])--[a-z]", ast.unparse(node))


def test_the_public_door_is_sorted_and_complete() -> None:
    assert flowdenoise.__all__ == sorted(flowdenoise.__all__)
    for name in flowdenoise.__all__:
        assert getattr(flowdenoise, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        flowdenoise.magic  # noqa: B018 - asking is the point


def test_every_module_says_what_it_is_for() -> None:
    for path in MODULES:
        assert ast.get_docstring(ast.parse(path.read_text())), path


def named_in(docstring: str) -> set[str]:
    """The modules that a room's docstring lists, each line `names  what they hold`."""
    _, _, listed = docstring.partition("```\n")
    lines = listed.partition("```")[0].splitlines()
    return {name for line in lines for name in re.findall(r"\w+", line.rpartition("  ")[0])}


@pytest.mark.parametrize(
    "door",
    sorted(PACKAGE.glob("*/**/__init__.py")),
    ids=lambda door: str(door.parent.relative_to(PACKAGE)),
)
def test_the_docstring_of_a_room_names_its_modules(door: Path) -> None:
    held = {path.stem for path in door.parent.glob("*.py")} - {"__init__"}
    held |= {path.name for path in door.parent.iterdir() if path.is_dir()} - {"__pycache__"}
    assert named_in(ast.get_docstring(ast.parse(door.read_text())) or "") == held


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    errors = importlib.import_module("flowdenoise.errors")
    drawing = errors.__doc__ or ""
    classes = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert issubclass(classes.pop("FlowdenoiseWarning"), UserWarning)
    for name, kind in classes.items():
        assert issubclass(kind, errors.FlowdenoiseError)
        line = next(text for text in drawing.splitlines() if f" {name}" in f" {text}")
        depth = sum(1 for base in kind.__mro__ if base in classes.values()) - 1
        assert line.index(name) == 4 * depth, f"{name} is drawn in the wrong place"


@pytest.mark.parametrize("code", ["import flowdenoise", "import flowdenoise.cli.app"])
def test_neither_the_package_nor_its_command_line_imports_torch(code: str) -> None:
    probe = f"{code}; import sys; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "PPM"])
def test_pictures_are_read_without_torch(name: str) -> None:
    probe = (
        "import io, sys; from PIL import Image; import flowdenoise.batch.many; "
        "from flowdenoise import images; file = io.BytesIO(); "
        "Image.new('RGB', (9, 9)).save(file, sys.argv[1]); images.read(file.getvalue()); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", probe, name], check=False).returncode == 0


def test_what_is_optional_or_heavy_is_only_imported_when_needed() -> None:
    optional = {
        "bm3d",
        "bm4d",
        "cv2",
        "h5py",
        "onnx",
        "onnxruntime",
        "pillow_heif",
        "pillow_jxl",
        "pywt",
        "ray",
        "skimage",
        "spandrel",
        "tensorboard",
    }
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                named = [alias.name for alias in node.names]
                module = getattr(node, "module", None) or named[0]
                assert module.split(".")[0] not in optional, path
