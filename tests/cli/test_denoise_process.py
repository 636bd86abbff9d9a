"""`flowdenoise denoise` as a process: streams that are closed, full or nobody's, and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(os.name == "nt", reason="streams and signals of POSIX")

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shell(tiny: Path, photo: Path) -> Shell:
    """Run a line of the shell where `denoise` stands for the command and `photo.png` is there."""

    def run(line: str) -> subprocess.CompletedProcess[str]:
        command = f"'{sys.executable}' -m flowdenoise denoise -s 25 -m '{tiny}'"
        return subprocess.run(
            ["bash", "-c", line.replace("denoise", command)],
            cwd=photo.parent,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def written(photo: Path) -> set[str]:
    return {path.name for path in photo.parent.iterdir()} - {photo.name, photo.parent.name}


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("denoise - <&-", "standard input is closed"),
        ("denoise photo.png -o - >&-", "standard output is closed"),
        pytest.param("denoise photo.png -o - >/dev/full", "no space left", marks=FULL),
    ],
)
def test_a_stream_that_can_not_be_used_is_one_line_and_status_1(
    shell: Shell, photo: Path, line: str, message: str
) -> None:
    done = shell(line)
    assert message in one_line(done)
    assert done.returncode == 1
    assert written(photo) == set()


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (">&-", "standard output is closed"),
        pytest.param(">/dev/full", "can't write to standard output: no space left", marks=FULL),
    ],
)
def test_a_table_that_can_not_be_written_is_one_line_and_status_1(
    stream: str, message: str
) -> None:
    line = f"'{sys.executable}' -m flowdenoise weights list {stream}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert message in one_line(done)
    assert done.returncode == 1


@pytest.mark.parametrize("stream", [pytest.param(">/dev/full", marks=FULL), "| true"])
def test_reports_that_can_not_be_written_do_not_stop_the_batch(
    shell: Shell, photo: Path, stream: str
) -> None:
    Image.open(photo).save(photo.with_name("second.png"))
    done = shell(f"set -o pipefail; denoise photo.png second.png --json {stream}")
    assert done.returncode == 1
    assert "without --json" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert {"photo_denoised.png", "second_denoised.png"} <= written(photo)


def test_messages_that_nobody_can_read_stop_nothing(shell: Shell, photo: Path) -> None:
    done = shell("denoise photo.png 2>&-")
    assert done.returncode == 0
    assert written(photo) == {"photo_denoised.png"}


READ_ONLY = "mount --bind place place; mount -o remount,bind,ro place"
SMALL = "mount -t tmpfs -o size=16k none place"


@pytest.fixture(scope="session")
def mount(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A line of the shell that goes on where it may mount file systems that nobody else sees."""
    begin = "set -e; mkdir place; {}unshare --mount --map-root-user bash -ec"
    tried = f"{begin.format('')} '{READ_ONLY}; {SMALL}'"
    folder = tmp_path_factory.mktemp("mount")
    done = subprocess.run(["bash", "-c", tried], cwd=folder, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no file systems can be mounted here")
    return begin.format("cp photo.png place; ")


@pytest.mark.parametrize(
    ("mounted", "reason"),
    [
        (READ_ONLY, "read-only file system"),
        (f"{SMALL}; cp photo.png place; cp photo.png place/rest", "no space left on device"),
    ],
)
def test_a_disk_that_takes_nothing_is_one_line_and_the_other_pictures_are_done(
    shell: Shell, photo: Path, mount: str, mounted: str, reason: str
) -> None:
    failing = "denoise place/photo.png photo.png -q || ls -A place"
    done = shell(f'{mount} "{mounted}; {failing}"')
    assert f"can't be written: {reason}" in one_line(done)
    assert set(done.stdout.split()) - {"rest"} == {"photo.png"}
    assert written(photo) == {"place", "photo_denoised.png"}


def test_a_clean_picture_from_a_pipe_is_copied_bit_for_bit(shell: Shell, photo: Path) -> None:
    done = shell("denoise --strength 0 <(cat photo.png) -o copy.png")
    assert done.returncode == 0, done.stderr
    assert photo.with_name("copy.png").read_bytes() == photo.read_bytes()


def test_two_processes_with_one_target_never_replace_each_other(shell: Shell, photo: Path) -> None:
    done = shell("denoise photo.png -o r.png & denoise photo.png -o r.png; wait")
    assert "exists" in one_line_of_two(done)
    assert written(photo) == {"r.png"}


def one_line_of_two(done: subprocess.CompletedProcess[str]) -> str:
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    return error


WAITING = """
import sys, time
from flowdenoise.system import atomic
def wait(*args, **kwargs):
    print("writing", flush=True)
    time.sleep(60)
atomic._rename = wait
from flowdenoise.__main__ import main
sys.argv = ["flowdenoise", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_ends_with_a_message_its_status_and_nothing_half_written(
    tiny: Path, photo: Path, number: int, status: int, word: str
) -> None:
    line = [sys.executable, "-c", WAITING, "denoise", str(photo), "-s", "25", "-m", str(tiny)]
    heard = partial(signal.signal, number, signal.SIG_DFL)  # shells ignore it in the background
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heard
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        assert len(written(photo)) == 1
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert word.encode() in err
    assert err.count(b"\n") == 1
    assert written(photo) == set()


FREEING = """
import os, signal, sys, time
from flowdenoise.cli.interruption import Interruption, armed
class Freed:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with armed():
        freed = Freed()
        del freed
        time.sleep(20)
except Interruption as interruption:
    sys.exit(interruption.status)
"""


def test_a_signal_while_python_frees_an_object_is_not_lost() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FREEING], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 130
    assert done.stderr == ""


LEAVING = """
import atexit, sys
import torch
from flowdenoise.__main__ import main
class Freed:
    def __del__(self):
        print("freed", flush=True)
freed = Freed()
atexit.register(print, "ended", flush=True)
sys.argv = ["flowdenoise", "denoise", "absent.png"]
main()
"""


def test_with_torch_python_ends_what_is_registered_and_frees_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVING], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stdout == "ended\n"
    assert "absent.png" in done.stderr


ENDING = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from flowdenoise.__main__ import main
def late():
    threading.main_thread().join()  # it has ended when Python waits for the other threads
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(1)
threading.Thread(target=late).start()
sys.argv = ["flowdenoise", "--version"]
main()
"""


def test_ctrl_c_while_python_ends_its_threads_leaves_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -signal.SIGINT
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, "1000"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "active"}, "None"),
    ],
)
def test_threads_that_wait_give_way_unless_the_user_says_how_they_wait(
    said: dict[str, str], found: str
) -> None:
    """OpenMP reads it as torch is imported, so it must stand by then."""
    script = (
        "import os, sys\n"
        "from flowdenoise.__main__ import main\n"
        "class Look:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'torch':\n"
        "            print(os.environ.get('GOMP_SPINCOUNT'), flush=True)\n"
        "            os._exit(0)\n"
        "sys.meta_path.insert(0, Look())\n"
        "sys.argv = ['flowdenoise', 'doctor']\n"
        "main()\n"
    )
    kept = {
        name: value
        for name, value in os.environ.items()
        if "GOMP" not in name and "OMP_WAIT" not in name
    }
    shown = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=kept | said,
    )
    assert shown.stdout.strip() == found


def test_a_photograph_is_denoised_without_the_compiler_of_torch(tmp_path: Path) -> None:
    """Its import takes a second; what is drawn or factorized on `meta` would bring it."""
    noisy = tmp_path / "noisy.png"
    Image.effect_noise((96, 96), 60).convert("RGB").save(noisy)
    line = [sys.executable, "-X", "importtime", "-m", "flowdenoise", "denoise", str(noisy)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert noisy.with_name("noisy_denoised.png").exists()
    brought = {row.rpartition("|")[2].strip() for row in done.stderr.splitlines()}
    assert "torch" in brought
    assert not brought & {"torch._dynamo", "sympy"}
