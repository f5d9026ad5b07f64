"""Makes .venv from requirements.lock, with nothing but Python 3.11 and pip. Run by make, before any package
is there; it imports the standard library only."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import NoReturn

VENV = Path(".venv")
PYTHON = VENV / "bin/python"
LOCK = Path("requirements.lock")
# pip's words for where packages come from, which uv does not read, and uv's own.
OPTIONS = {"index-url": "--index-url", "extra-index-url": "--extra-index-url", "find-links": "--find-links"}


def fail(sentence: str) -> NoReturn:
    print(f"make: {sentence}", file=sys.stderr)
    raise SystemExit(2)


def run(*command: str | Path, quiet: bool = False) -> bool:
    output = subprocess.DEVNULL if quiet else None
    return subprocess.call(list(map(str, command)), stdout=output, stderr=output) == 0  # noqa: S603


def make_venv() -> None:
    """A fresh environment with pip in it, by venv or, where Debian has split that off, by virtualenv."""
    if PYTHON.exists() and run(PYTHON, "-m", "pip", "--version", quiet=True):
        return
    for maker in ("venv", "virtualenv"):
        shutil.rmtree(VENV, ignore_errors=True)
        if run(sys.executable, "-m", maker, VENV, quiet=True):
            return
    shutil.rmtree(VENV, ignore_errors=True)
    fail(
        "this Python cannot make a virtual environment. On Debian and Ubuntu run `apt-get install "
        f"python3-venv`, elsewhere `{sys.executable} -m pip install --user virtualenv`, and start make again."
    )


def entry(name: str, lock: str) -> str:
    """One package's lines in the lock, with its hashes; '' where it is not in it."""
    match = re.search(rf"(?m)^{re.escape(name)}==[^\n]*\\\n(?:    --hash=[^\n]*\n)+", lock)
    return match[0].rstrip("\n\\ ") + "\n" if match else ""


def install() -> None:
    """Everything in the lock, by its hash. uv is many times faster than pip; where it is missing, or cannot
    reach what pip reaches, pip does the same."""
    hashed = ("--require-hashes", "--no-deps", "-r")
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    if only_uv := entry("uv", LOCK.read_text("utf-8")):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(only_uv)
            file.flush()
            has_uv = run(*pip, *hashed, file.name)
        if has_uv:
            uv = (PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON)
            if run(*uv, *pip_settings(), *hashed, LOCK):
                return
            print("uv could not install the packages; trying pip.", file=sys.stderr)
    if not run(*pip, *hashed, LOCK):
        fail(
            "the packages could not be installed; the reason is above. If it names a platform, this machine "
            "has no wheels for an embedded database: they exist for Linux on x86-64 and arm64 with glibc "
            "2.28 or newer, and for macOS on arm64."
        )


def pip_settings() -> list[str]:
    """Where pip is told to look for packages, as options for uv."""
    listed = subprocess.run([PYTHON, "-m", "pip", "config", "list"], capture_output=True, check=False)  # noqa: S603
    found: list[str] = []
    for line in listed.stdout.decode("utf-8", "replace").splitlines():
        key, _, text = line.partition("=")
        section, _, name = key.partition(".")
        if name in OPTIONS and section in ("global", "install", ":env:"):
            for place in text.strip("'\"").replace("\\n", " ").split():
                found += [OPTIONS[name], place]
    if len(set(found[::2])) > 1:
        # pip takes the best version from all places; the lock's hashes decide what is right.
        found += ["--index-strategy", "unsafe-best-match"]
    return found


def link_project() -> None:
    """Put this checkout on the environment's path and make the `scanway` command: what an editable install
    does, without a build."""
    names = {"base": str(VENV.absolute()), "platbase": str(VENV.absolute())}
    Path(sysconfig.get_path("purelib", "venv", names), "scanway.pth").write_text(f"{Path.cwd()}\n", "utf-8")
    command = Path(sysconfig.get_path("scripts", "venv", names), "scanway")
    # Through sh: the line after #! may be neither long nor hold spaces, and a path may be both.
    command.write_text(
        f"#!/bin/sh\n'''exec' \"{PYTHON.absolute()}\" \"$0\" \"$@\"\n' '''\n"
        "import sys\n\nfrom deploy.cli import main\n\nsys.exit(main())\n",
        "utf-8",
    )
    command.chmod(0o755)


def main() -> None:
    if sys.argv[1:] == ["--pip-settings"]:
        print(*pip_settings())
        return
    print(f"Installing into {VENV} …", file=sys.stderr)
    os.environ.setdefault("PIP_NO_INPUT", "1")
    make_venv()
    install()
    link_project()


if __name__ == "__main__":
    main()
