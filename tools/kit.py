"""The offline kit: what a machine without a network needs to verify, each file by hash. `make kit` puts it into dist/.

    python tools/kit.py FOLDER
    python tools/kit.py           fetches the wheels of this machine alone, for tests

A folder and a zip of it: wheels of the verifier and of the few packages it needs, for each platform that has all of
them; requirements with hashes and no index address; the second verifier, which needs a browser alone; how to install,
in English and Chinese. The same bytes each time: requirements.lock pins everything, and pip checks each hash.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools import outsiders, wheel

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = {
    "Linux on x86-64, glibc 2.28": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "Linux on ARM64, glibc 2.28": ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
    "macOS 11 on Apple silicon": ("macosx_11_0_arm64", "macosx_11_0_universal2", "macosx_10_12_universal2"),
}
"""Each or later; all packages publish wheels for them. At the pinned versions c2pa-python has none for Windows, and
cryptography none for macOS on Intel."""

README = """\
# tallystick {version}: the offline kit

[中文](#中文)

For a machine without a network: {platforms} (each or later); CPython {pythons}, with `venv` and `pip`.

    sha256sum --check --quiet SHA256SUMS        # macOS: shasum -a 256 --check --quiet SHA256SUMS
    python3 -m venv verifier
    verifier/bin/pip install --no-index --find-links wheels --require-hashes -r requirements.txt
    verifier/bin/tallystick verify case.zip --trust trust.json --at 2027-03-01T00:00:00Z

Compare the SHA-256 of this kit, or of `SHA256SUMS`, with the published one by a channel that whoever gave you the kit
does not control. pip refuses a wheel whose hash is not in `requirements.txt`. Nothing is fetched: neither while it is
installed nor while it verifies.

Windows, and macOS on Intel: not every package publishes a wheel there at the versions that were tested. Open
`verifier.html` in a browser instead, on any system: it is the second verifier, written apart from the first, and needs
nothing else. It judges certificates (PDF) and cards (PNG); other files with Content Credentials it leaves to other
programs: a case that holds one is not proved there (step 12).

## 中文

用于断网机器：{platforms}（或更高版本）；CPython {pythons}，带 `venv` 和 `pip`。

    sha256sum --check --quiet SHA256SUMS        # macOS: shasum -a 256 --check --quiet SHA256SUMS
    python3 -m venv verifier
    verifier/bin/pip install --no-index --find-links wheels --require-hashes -r requirements.txt
    verifier/bin/tallystick verify case.zip --trust trust.json --at 2027-03-01T00:00:00Z --lang zh

请通过交付者无法控制的渠道，将本工具包（或 `SHA256SUMS`）的 SHA-256 与公布值核对。哈希不在 `requirements.txt`
中的安装包，pip 拒绝安装。安装和验证均不访问网络。

Windows 和 Intel 处理器的 macOS：所测试版本的依赖包未全部提供安装包。请改用任意系统的浏览器打开 `verifier.html`：
这是独立编写的第二检验程序，无需其他软件；它检验登记证书（PDF）和卡片（PNG）；其他带内容凭证的文件留待其他程序检验，
含有此类文件的案卷在其中不为“已证明”（第 12 步）。
"""


@dataclass(frozen=True)
class Pin:
    """One package of the lock: its name, version, and the hashes of all its files, hex."""

    name: str
    version: str
    sha256: tuple[str, ...]


def pins(lock: str) -> dict[str, Pin]:
    """The packages that the wheel needs, with what needs them, on any of ``PYTHONS``; never an extra."""
    known = {
        match[1]: Pin(match[1], match[2], tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", match[0])))
        for match in re.finditer(r"^([a-z0-9-]+)==([^ ;\\]+)[^\n]*\n(?:    --hash[^\n]*\n)+", lock, re.M)
    }
    found: dict[str, Pin] = {}
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    while wanted:
        requirement = Requirement(wanted.pop())
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in found or not _applies(requirement):
            continue
        found[name] = known[name]
        if not requirement.specifier.contains(known[name].version):
            raise ValueError(f"{requirement}: the lock pins {known[name].version}")
        wanted += importlib.metadata.distribution(name).requires or []
    return dict(sorted(found.items()))


def _applies(requirement: Requirement) -> bool:
    def at(python: str) -> dict[str, str]:
        return {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}

    return requirement.marker is None or any(requirement.marker.evaluate(at(python)) for python in PYTHONS)


def fetch(target: Path, wanted: Iterable[Pin], tags: Sequence[str] = (), python: str | None = None) -> None:
    """Wheels into ``target``: of one platform and Python, else of this; pip refuses what the lock lacks."""
    lines = [f"{pin.name}=={pin.version}" + "".join(f" --hash=sha256:{one}" for one in pin.sha256) for pin in wanted]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", *(part for tag in tags for part in ("--platform", tag))]
    if python is not None:
        command += ["--implementation", "cp", "--python-version", python]
        command += [part for abi in (f"cp{python.replace('.', '')}", "abi3", "none") for part in ("--abi", abi)]
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "requirements.txt")
        listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = subprocess.run([*command, "-d", str(target), "-r", str(listed)], capture_output=True, text=True)
    if done.returncode:
        where = f"{tags[0]}, Python {python}" if tags else "this machine"
        raise outsiders.Unavailable(f"no wheels for {where}:\n{done.stderr.strip()[-1500:]}")


def here() -> Path:
    """A folder with the wheels of this machine and Python, kept in .venv; silent when nothing is to do."""
    wanted, target = _pinned(), outsiders.HOME / "kit"
    with outsiders.step(target, repr((sys.version_info[:2], wanted)).encode()) as missing:
        if missing:
            print("tallystick: fetching the wheels of the offline kit ...", file=sys.stderr, flush=True)
            fetch(target, wanted)
    return target


def _pinned() -> list[Pin]:
    return list(pins((ROOT / "requirements.lock").read_text(encoding="utf-8")).values())


def assemble(target: Path, wheels: Path, page: Path, platforms: Sequence[str], pythons: Sequence[str]) -> Path:
    """Write the kit, with our wheel and those in ``wheels``, below ``target``; give the path of its zip."""
    ours = wheel.build(target)
    version = ours.name.split("-")[1]
    kit = target / f"tallystick-kit-{version}"
    shutil.rmtree(kit, ignore_errors=True)
    (kit / "wheels").mkdir(parents=True)
    for path in (ours, *wheels.glob("*.whl")):
        shutil.copyfile(path, kit / "wheels" / path.name)
    shutil.copyfile(page, kit / "verifier.html")
    (kit / "requirements.txt").write_text(_requirements(kit / "wheels"), encoding="utf-8")
    said = README.format(version=version, platforms="; ".join(platforms), pythons=", ".join(pythons))
    (kit / "README.md").write_text(said, encoding="utf-8")
    write_sums(kit)
    return _zipped(kit)


def _requirements(wheels: Path) -> str:
    """One line for each package, with the hash of each of its wheels that is here."""
    found: dict[str, list[str]] = {}
    for path in sorted(wheels.iterdir()):
        name, version, *_ = path.name.split("-")
        pinned = f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"
        found.setdefault(pinned, []).append(f"--hash=sha256:{_sha256(path)}")
    return "".join(" \\\n    ".join([pinned, *sorted(hashes)]) + "\n" for pinned, hashes in sorted(found.items()))


def write_sums(folder: Path) -> None:
    """``SHA256SUMS`` of every file below ``folder``, as sha256sum reads it."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = [f"{_sha256(folder / name)}  {name}\n" for name in files if name != "SHA256SUMS"]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def _zipped(folder: Path) -> Path:
    """The folder as a zip: stored, in order, dated 1980, so that its bytes are a function of the files."""
    made = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(made, "w") as file:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = zipfile.ZipInfo(path.relative_to(folder.parent).as_posix(), (1980, 1, 1, 0, 0, 0))
            member.create_system, member.external_attr = 3, 0o100644 << 16
            file.writestr(member, path.read_bytes())
    return made


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def build(target: Path) -> Path:
    """The kit for all ``PLATFORMS`` and ``PYTHONS``; wheels come from the package index or pip's cache."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder)
        for tags in PLATFORMS.values():
            for python in PYTHONS:
                fetch(wheels, _pinned(), tags, python)
        return assemble(target, wheels, outsiders.verifier() / "verifier.html", list(PLATFORMS), PYTHONS)


if __name__ == "__main__":
    print(build(Path(sys.argv[1]))) if sys.argv[1:] else here()
