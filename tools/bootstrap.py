"""Make .venv and keep it in step with a lock file: `python3 tools/bootstrap.py runtime|dev`.

Silent when nothing is to do. Written for any Python >= 3.6, so that an old one gets a sentence and not a SyntaxError.
"""

import os
import shutil
import subprocess
import sys
import time

OLDEST = (3, 11)
LOCKS = {"runtime": "requirements.lock", "dev": "requirements-dev.lock"}
VENV = ".venv"
LOG = os.path.join(VENV, "install.log")
# What pip says in install.log, and what a person can do about it.
HINTS = (
    ("DO NOT MATCH THE HASHES", "a download differs from what the lock file promises: do not use it, try again later"),
    ("No space left on device", "the disk is full: about 700 MB are needed"),
    (
        "NewConnectionError",
        "the package index cannot be reached: check the network, or pip's proxy and mirror settings",
    ),
    (
        "Could not find a version",
        "the package index cannot be reached or lacks a package: check the network and pip's settings",
    ),
    ("CERTIFICATE_VERIFY_FAILED", "the package index's certificate is not trusted here: set PIP_CERT to your CA file"),
    (
        "error: command",
        "a package had to be compiled and could not be: install a C compiler, or use another Python version",
    ),
)


def stop(sentence):
    print("tallystick: " + sentence, file=sys.stderr)
    sys.exit(1)


def read(path):
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def venv_python():
    return os.path.join(VENV, "bin", "python")


def make_venv():
    """A fresh .venv when there is none, its Python left, or the folder moved (its scripts name their old place)."""
    home = os.path.realpath(VENV)
    stamp = os.path.join(VENV, "home")
    alive = os.path.exists(venv_python()) and os.path.exists(stamp) and read(stamp) == home
    if alive:
        return
    if os.path.islink(VENV):
        stop(f".venv is a link to {home}, an environment of somebody else's: remove the link, then try again")
    shutil.rmtree(home, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", home], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode:
        shutil.rmtree(home, ignore_errors=True)
        if b"ensurepip" in made.stdout:
            stop("this Python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv")
        stop("could not make .venv: " + made.stdout.decode(errors="replace").strip())
    write(stamp, home)


def pip(arguments, task):
    """Run pip with its output in install.log, showing the seconds on a terminal; one sentence if it fails."""
    command = [venv_python(), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", *arguments]
    print(f"tallystick: {task} ...", flush=True)
    with open(LOG, "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        started = time.monotonic()
        while process.poll() is None:
            time.sleep(0.2)
            if sys.stdout.isatty():
                print(f"\r  {time.monotonic() - started:.0f} s", end="", flush=True)
    if sys.stdout.isatty():
        print("\r       \r", end="")
    if process.returncode:
        said = read(LOG) or ""
        hint = next((hint for sign, hint in HINTS if sign in said), "pip failed")
        stop(f"{hint} (the whole story is in {LOG})")


def install_lock(kind):
    """One stamp holds the lock installed last: the development lock contains the other (a test says so)."""
    stamp = os.path.join(VENV, "installed.lock")
    installed = read(stamp)
    wanted = read(LOCKS[kind])
    if installed is not None and installed in (wanted, read(LOCKS["dev"])):
        return
    when = "first time only" if installed is None else "the lock file changed"
    packages = wanted.count("\n    # via")
    pip(["--require-hashes", "-r", LOCKS[kind]], f"installing {packages} packages ({when})")
    write(stamp, wanted)


def install_project():
    """The `tallystick` command and its entry points, from this tree; again only when pyproject.toml changed."""
    stamp = os.path.join(VENV, "installed.toml")
    wanted = read("pyproject.toml")
    if read(stamp) == wanted:
        return
    pip(["--no-index", "--no-deps", "--no-build-isolation", "--editable", "."], "installing the tallystick command")
    write(stamp, wanted)


def main():
    if sys.version_info < OLDEST:
        found = sys.version.split()[0]
        stop(f"Python 3.11 or later is needed, and this is {found}: name another with `make PYTHON=python3.12 ...`")
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    make_venv()
    install_lock(sys.argv[1])
    install_project()


if __name__ == "__main__":
    main()
