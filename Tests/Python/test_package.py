"""The Debian package: built, installed, run and removed in a clean system of its own. The unit file, judged by systemd itself."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import ROOT, Process, binary, wait_for

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "reprise"
MDWE = 65  # PR_SET_MDWE: what systemd's MemoryDenyWriteExecute asks of the kernel


def run(*command, **more):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=900, **more)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deb")
    return pathlib.Path(run(ROOT / "Scripts/deb", "--binary", binary(), "--into", folder).strip().splitlines()[-1])


@pytest.fixture(scope="module")
def system(package, tmp_path_factory):
    """A Debian with nothing but what the package depends on. Made once and kept as a tarball."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("a clean system needs root and debootstrap")
    suite = re.search(r"VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text())[1]
    depends = run("dpkg-deb", "-f", package, "Depends").replace(" ", "").strip()
    names = ",".join(re.sub(r"\(.*?\)", "", depends).split(","))
    kept = CACHE / f"system-{suite}-{abs(hash_of(names)):x}.tar"
    folder = tmp_path_factory.mktemp("system")
    if kept.exists():
        run("tar", "-xpf", kept, "-C", folder)
    else:
        run("debootstrap", "--variant=minbase", f"--include={names}", suite, folder)
        partial = kept.with_suffix(".partial")
        run("tar", "-cpf", partial, "--exclude=./var/cache/apt/archives/*.deb", "-C", folder, ".")
        partial.rename(kept)
    run("mount", "-t", "proc", "proc", folder / "proc")
    yield folder
    run("umount", folder / "proc")
    shutil.rmtree(folder, ignore_errors=True)


def hash_of(text):
    return int.from_bytes(__import__("hashlib").sha256(text.encode()).digest()[:6], "big")


def inside(system, *command):
    return run("chroot", system, *command, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})


class Chrooted(Process):
    """The installed program on the installed configuration, under the strictest of the unit's memory rules where the kernel has it."""

    def __init__(self, system, upstream):
        super().__init__(
            ["python3", "-c", "import ctypes, os, sys; ctypes.CDLL(None).prctl(%d, 1, 0, 0, 0); os.execvp('chroot', sys.argv[1:])" % MDWE, "chroot", str(system),
             "/usr/bin/reprise", "serve", "--config", "/etc/reprise/config.yaml", "--port", "0", "--upstream", upstream],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})


def test_it_is_installed_runs_and_leaves_nothing(system, package, stand_in):
    shutil.copy(package, system / "tmp/reprise.deb")
    inside(system, "dpkg", "-i", "/tmp/reprise.deb")
    assert inside(system, "reprise", "--version").strip() == run("dpkg-deb", "-f", package, "Version").strip()
    checked = subprocess.run(["chroot", str(system), "reprise", "check", "--config", "/etc/reprise/config.yaml"], capture_output=True, text=True)
    assert checked.returncode == 0 and "model: all-MiniLM-L6-v2" in checked.stderr, checked
    bare = subprocess.run(["chroot", str(system), "reprise", "check"], capture_output=True, text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"})
    assert "in /usr/lib/reprise/all-MiniLM-L6-v2" in bare.stderr, "also without a configuration the packaged model is found"
    assert inside(system, "dpkg", "--verify", "reprise") == ""
    assert (system / "etc/systemd/system/multi-user.target.wants/reprise.service").is_symlink(), "it starts with the system, though none runs here"
    assert (system / "usr/share/man/man1/reprise.1.gz").exists() and (system / "usr/share/bash-completion/completions/reprise").exists()

    server = Chrooted(system, stand_in.url)
    try:
        def ask(prompt, headers=None):
            return server.request("POST", "/v1/chat/completions", {"model": "stand-in", "messages": [{"role": "user", "content": prompt}]}, headers)

        assert ask("How do I reset my password?").headers["X-Cache"] == "MISS"
        only = {"Cache-Control": "only-if-cached"}
        wait_for(lambda: ask("How can I reset my password?", only).headers["X-Cache-Match"] == "semantic", what="the model that is inside the package")
    finally:
        assert server.stop() == 0, server.errors
    assert (system / "var/lib/reprise/reprise.db").exists()

    (system / "etc/reprise/config.yaml").write_text((system / "etc/reprise/config.yaml").read_text() + "# mine\n")
    # What the operator turned off, which is to say that systemctl took the link away, stays off over an upgrade.
    (system / "etc/systemd/system/multi-user.target.wants/reprise.service").unlink()
    inside(system, "dpkg", "--force-confold", "-i", "/tmp/reprise.deb")
    assert not (system / "etc/systemd/system/multi-user.target.wants/reprise.service").is_symlink()
    assert (system / "etc/reprise/config.yaml").read_text().endswith("# mine\n"), "an upgrade keeps the operator's configuration"

    inside(system, "dpkg", "-r", "reprise")
    assert not (system / "usr/bin/reprise").is_symlink() and not (system / "usr/lib/reprise").exists()
    assert (system / "etc/reprise/config.yaml").exists() and (system / "var/lib/reprise/reprise.db").exists(), "removing keeps what is the operator's"
    (system / "etc/reprise/environment").write_text("OPENAI_API_KEY=k\n")
    inside(system, "dpkg", "-P", "reprise")
    left = [path for path in (system / "etc/systemd/system").rglob("reprise*")] + list((system / "var/lib/systemd").rglob("reprise*"))
    assert left == [], left
    assert not (system / "etc/reprise").exists() and not (system / "var/lib/reprise").exists()


SYSTEMCTL = """#!/bin/sh
echo "$@" >> /tmp/systemctl.log
case "$*" in *is-enabled*) echo enabled ;; *is-active*) exit 3 ;; esac
"""


def test_the_service_is_started_restarted_and_stopped(system, package):
    """With a stand-in for systemctl: no systemd runs in the clean system."""
    fake, log = system / "usr/bin/systemctl", system / "tmp/systemctl.log"
    assert not fake.exists()
    shutil.copy(package, system / "tmp/reprise.deb")
    fake.write_text(SYSTEMCTL)
    fake.chmod(0o755)
    (system / "run/systemd/system").mkdir(parents=True, exist_ok=True)

    def acts(*command):
        log.write_text("")
        inside(system, "dpkg", *command)
        return [words for words in re.findall(r"(?:--quiet --system )?((?:start|stop|restart|try-restart|daemon-reload).*)", log.read_text()) if words != "daemon-reload"]

    try:
        assert acts("-i", "/tmp/reprise.deb") == ["start reprise.service"]
        assert acts("-i", "/tmp/reprise.deb") == ["try-restart reprise.service"], "what the operator stopped is not started by an upgrade"
        assert acts("-r", "reprise") == ["stop reprise.service"]
        assert acts("-i", "/tmp/reprise.deb") == ["start reprise.service"], "what comes back begins anew"
        assert acts("-P", "reprise") == ["stop reprise.service"]
    finally:
        fake.unlink()
        log.unlink(missing_ok=True)
        shutil.rmtree(system / "run/systemd")


def test_it_depends_on_what_it_loads_from_the_version_on_that_has_it(package):
    depends = dict(re.match(r"(\S+)(?: \(>= (.+)\))?$", part).groups() for part in run("dpkg-deb", "-f", package, "Depends").strip().split(", "))
    assert "ca-certificates" in depends and {"libc6", "libstdc++6"} <= set(depends)
    assert any(name.startswith("libcurl") for name in depends) and any(name.startswith("libpq") for name in depends) and any(name.startswith("libsqlite3") for name in depends)
    assert all(version for name, version in depends.items() if name != "ca-certificates"), depends
    listed = run("dpkg-deb", "-c", package)
    assert "./usr/lib/systemd/system/reprise.service" in listed and run("dpkg-deb", "-f", package, "Architecture").strip() == run("dpkg", "--print-architecture").strip()


def test_the_unit_is_valid_and_hardened(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    text = (ROOT / "Scripts/packaging/reprise.service").read_text()
    program = re.search(r"^ExecStart=(\S+)", text, re.MULTILINE)[1]
    unit = tmp_path / "reprise.service"
    unit.write_text(text.replace(program, binary(), 1))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    assert done.returncode == 0 and "reprise.service" not in done.stderr, done.stderr
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-1500:]


def test_what_the_image_copies_is_there_and_it_runs_as_nobody():
    text = (ROOT / "Scripts/packaging/Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists(), source
    last = text[text.rindex("FROM "):]
    assert re.search(r"^USER 65532:65532$", last, re.MULTILINE) and "HEALTHCHECK" in last and "/readyz" in last
    assert "Scripts/build" in text
