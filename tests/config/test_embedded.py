"""The embedded PostgreSQL, really started: in folders of its own, beside the tests' cluster."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from config import embedded
from config.embedded import Cluster, EmbeddedError, programs, server

ROOT = os.geteuid() == 0
root_only = pytest.mark.skipif(not ROOT, reason="only root has a server run as another account")
linux_only = pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")

# Holds the cluster until its input is closed, and says which server it found.
USER = """
import sys
from pathlib import Path
from config.embedded import Cluster
cluster = Cluster("postgres", Path(sys.argv[1]))
with cluster.held(durable=False):
    print(cluster.pid(), flush=True)
    sys.stdin.read()
"""


def make_folder():
    top = Path(tempfile.mkdtemp(prefix="repertoire-tests-"))
    top.chmod(0o755)
    return top / ".data"


@pytest.fixture(scope="module")
def kept():
    folder = make_folder()
    yield folder
    embedded.remove(folder)
    folder.parent.rmdir()


@pytest.fixture
def folder(kept):
    """A folder whose cluster is made once for this file, and is stopped between its tests."""
    yield kept
    Cluster("postgres", kept).stop()


@pytest.fixture
def fresh():
    folder = make_folder()
    yield folder
    embedded.remove(folder)
    shutil.rmtree(folder.parent, ignore_errors=True)


@pytest.fixture
def closed(fresh):
    """A fresh folder that only its owner can enter, as in a home of mode 700."""
    fresh.parent.chmod(0o700)
    return fresh


def ask(folder, question, name="postgres"):
    where = embedded.database(name, folder)
    with psycopg.connect(
        host=where["HOST"], port=where["PORT"], user=where["USER"], dbname=where["NAME"]
    ) as connection:
        answer = connection.execute(question)
        return answer.fetchone() if answer.description else None


def running(folder, name="postgres"):
    return embedded.running(name, durable=False, folder=folder)


def use(folder):
    return subprocess.Popen(
        [sys.executable, "-c", USER, folder],
        cwd=embedded.FOLDER.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def leave(user):
    user.stdin.close()
    user.stdout.close()
    assert user.wait(30) == 0


def kill(user):
    user.kill()
    user.wait()
    for pipe in filter(None, (user.stdin, user.stdout)):
        pipe.close()


def command(folder, *arguments, **options):
    module = [sys.executable, "-m", "config.embedded", arguments[0], "--folder", folder]
    # A server given to the tests is not for these commands: they would leave theirs unstarted.
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    defaults = {"cwd": embedded.FOLDER.parent, "env": environment}
    return [*module, "--no-fsync", *arguments[1:]], defaults | options


def test_text_is_utf_8_and_its_rules_come_with_postgresql(folder):
    with running(folder):
        assert ask(
            folder,
            "SELECT datlocprovider, datlocale, datcollate, pg_encoding_to_char(encoding),"
            " lower('ÉLÈVE') FROM pg_database WHERE datname = current_database()",
        ) == ("b", "C.UTF-8", "C", "UTF8", "élève")


def test_the_site_owns_its_database_and_is_no_superuser(folder):
    with running(folder):
        assert ask(
            folder,
            "SELECT pg_get_userbyid(datdba), rolsuper FROM pg_database, pg_roles"
            " WHERE datname = current_database() AND rolname = current_user",
        ) == ("repertoire", False)


def test_nothing_listens_on_the_network_and_the_socket_is_private(folder):
    with running(folder) as where:
        assert ask(folder, "SHOW listen_addresses") == ("",)
        assert Path(where["HOST"]).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("allowed", "megabytes"), [(str(4 * 2**30), 512), (str(2**20), 128), (str(2**60), None)]
)
def test_the_server_keeps_in_memory_what_its_container_may_take(tmp_path, allowed, megabytes):
    limit = tmp_path / "memory.max"
    limit.write_text(f"{allowed}\n")
    whole = server.cache(tmp_path / "none")
    assert server.cache(limit) == min(whole, megabytes or whole)
    limit.write_text("max\n")
    assert server.cache(limit) == whole
    assert 128 <= whole <= server.LARGEST_CACHE


@pytest.mark.parametrize(("durable", "fsync"), [(True, "on"), (False, "off")])
def test_only_the_tests_give_up_safety_on_power_loss(folder, durable, fsync):
    with embedded.running(durable=durable, folder=folder):
        assert ask(folder, "SHOW fsync") == (fsync,)


def test_data_outlives_the_server(folder):
    with running(folder):
        ask(folder, "CREATE TABLE kept AS SELECT 1")
    assert Cluster("postgres", folder).pid() is None
    with running(folder):
        assert ask(folder, "SELECT count(*) FROM kept") == (1,)


def test_two_checkouts_have_a_server_each(folder, fresh):
    with running(folder), running(fresh):
        assert Cluster("postgres", folder).pid() != Cluster("postgres", fresh).pid()
        assert ask(folder, "SELECT 1") == ask(fresh, "SELECT 1")


def test_the_clusters_of_the_site_and_of_its_tests_live_side_by_side(folder):
    with running(folder), running(folder, "postgres-test"):
        ask(folder, "CREATE TABLE tried AS SELECT 1", "postgres-test")
        assert ask(folder, "SELECT to_regclass('tried')") == (None,)


def test_processes_that_start_at_once_from_nothing_share_one_server(fresh):
    users = [use(fresh) for _ in range(4)]
    servers = {user.stdout.readline() for user in users}
    for user in users:
        leave(user)
    assert len(servers) == 1
    assert servers != {""}


def test_the_last_to_leave_stops_the_server(folder):
    cluster = Cluster("postgres", folder)
    first, second = use(folder), use(folder)
    server = int(first.stdout.readline())
    assert int(second.stdout.readline()) == server
    leave(first)
    assert cluster.pid() == server
    leave(second)
    assert cluster.pid() is None


def test_a_user_killed_outright_leaves_a_server_that_the_next_takes_over(folder):
    cluster = Cluster("postgres", folder)
    user = use(folder)
    server = int(user.stdout.readline())
    kill(user)
    assert cluster.pid() == server
    with running(folder):
        assert cluster.pid() == server
    assert cluster.pid() is None


def test_a_server_killed_outright_starts_again(folder):
    cluster = Cluster("postgres", folder)
    with running(folder):
        os.kill(cluster.pid(), signal.SIGKILL)
        with running(folder):
            assert ask(folder, "SELECT 1") == (1,)


@linux_only
def test_a_pid_file_whose_number_went_to_another_program_is_no_obstacle(folder):
    with running(folder):
        pass
    cluster = Cluster("postgres", folder)
    account = {"user": cluster.data.stat().st_uid} if ROOT else {}
    stranger = subprocess.Popen(["sleep", "60"], cwd="/", **account)
    try:
        file = cluster.data / "postmaster.pid"
        file.write_text(f"{stranger.pid}\n{cluster.data}\n1\n5432\n/tmp\n\n0 0\nready\n")
        with running(folder):
            assert ask(folder, "SELECT 1") == (1,)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_pid_file_of_a_dead_program_is_no_obstacle(folder):
    with running(folder):
        pass
    dead = subprocess.Popen(["true"])
    dead.wait()
    data = Cluster("postgres", folder).data
    (data / "postmaster.pid").write_text(f"{dead.pid}\n{data}\n1\n5432\n/tmp\n\n0 0\nready\n")
    with running(folder):
        assert ask(folder, "SELECT 1") == (1,)


def test_a_first_start_cut_short_begins_anew(fresh):
    with running(fresh):
        cluster = Cluster("postgres", fresh)
    shutil.rmtree(cluster.data)
    draft = cluster.data.with_name("postgres.new-cut")
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    with running(fresh):
        assert ask(fresh, "SELECT 1") == (1,)
    assert not draft.exists()


@linux_only
def test_a_copy_of_a_running_checkout_has_its_own_server(folder, fresh):
    with running(folder):
        fresh.mkdir()
        subprocess.run(["cp", "-a", Cluster("postgres", folder).data, fresh], check=True)
        (fresh / "postgres" / ".s.PGSQL.5432").unlink(missing_ok=True)
        with running(fresh):
            assert Cluster("postgres", fresh).pid() != Cluster("postgres", folder).pid()
        assert ask(folder, "SELECT 1") == (1,)


def test_data_of_another_major_version_is_refused_not_touched(fresh):
    (fresh / "postgres").mkdir(parents=True)
    (fresh / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match="PostgreSQL 17"), running(fresh):
        pass
    assert [file.name for file in (fresh / "postgres").iterdir()] == ["PG_VERSION"]


@pytest.mark.parametrize(
    ("path", "private"),
    [
        ("/srv/répertoire/.data", True),
        ("/srv/" + 90 * "x" + "/.data", False),
        ("/srv/virgule,/.data", False),
        ("/srv/un espace/.data", False),
    ],
)
def test_the_socket_is_in_the_data_folder_when_its_path_will_do(path, private):
    cluster = Cluster("postgres", Path(path))
    assert (cluster.socket_folder == cluster.data) == private
    assert len(str(cluster.socket_folder)) < 80


def test_elsewhere_the_socket_gets_a_short_folder_as_private(fresh):
    folder = fresh.parent / "l'été, là" / ".data"
    socket_folder = Cluster("postgres", folder).socket_folder
    try:
        with running(folder):
            if Cluster("postgres", folder).outside:
                pytest.skip("the wheel is in a closed folder: the data is elsewhere already")
            assert ask(folder, "SELECT 1") == (1,)
            assert socket_folder.parent == Path("/tmp")
            assert socket_folder.stat().st_mode & 0o777 == 0o700
        assert not socket_folder.exists()
    finally:
        embedded.remove(folder)


def test_a_socket_folder_open_to_others_is_refused(fresh):
    folder = fresh.parent / ("z" * 100) / ".data"
    (folder / "postgres").mkdir(parents=True)
    squatted = Cluster("postgres", folder).socket_folder
    squatted.mkdir()
    squatted.chmod(0o777)
    try:
        with pytest.raises(EmbeddedError, match="n'est pas à nous"), running(folder):
            pass
    finally:
        squatted.rmdir()
        embedded.remove(folder)


def test_without_the_wheel_the_message_names_the_way_out(fresh, monkeypatch):
    monkeypatch.setattr(programs, "WHEEL", "no_such_wheel")
    with pytest.raises(EmbeddedError, match="DATABASE_URL="), running(fresh):
        pass


def test_a_folder_erased_under_a_user_is_left_to_the_next_ones(fresh):
    user = use(fresh)
    user.stdout.readline()
    embedded.remove(fresh)
    with running(fresh):
        leave(user)
        assert ask(fresh, "SELECT 1") == (1,)


def test_a_command_runs_with_the_server_and_gives_its_exit_code(folder):
    probe = f"{sys.executable} -m config.embedded status --folder {folder} && exit 7"
    arguments, options = command(folder, "run", "--", "sh", "-c", probe)
    done = subprocess.run(arguments, capture_output=True, text=True, **options)
    assert "en marche" in done.stdout
    assert done.returncode == 7
    assert Cluster("postgres", folder).pid() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_command_then_the_server_is_stopped(folder, number):
    trap = "trap 'echo told; exit 5' TERM INT; echo ready; while :; do sleep 0.05; done"
    arguments, options = command(folder, "run", "--", "sh", "-c", trap)
    # Whoever runs the tests in the background may have them ignore it, and so all they start.
    before = signal.signal(number, signal.SIG_DFL)
    run = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, start_new_session=True, **options
    )
    signal.signal(number, before)
    assert run.stdout.readline() == "ready\n"
    run.send_signal(number)
    assert run.communicate(timeout=30)[0] == "told\n"
    assert run.returncode == 5
    assert Cluster("postgres", folder).pid() is None


def test_a_command_that_a_signal_ends_exits_as_in_a_shell(folder):
    arguments, options = command(folder, "run", "--", "sh", "-c", "kill -9 $$")
    assert subprocess.run(arguments, **options).returncode == 137


def test_the_server_outlives_a_supervisor_killed_while_its_command_runs(folder):
    arguments, options = command(folder, "run", "--", "sh", "-c", "echo $$; exec sleep 60")
    run = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, **options)
    child = int(run.stdout.readline())
    try:
        kill(run)
        with running(folder):
            pass
        assert Cluster("postgres", folder).pid()
    finally:
        os.kill(child, signal.SIGKILL)


def test_with_a_database_url_the_command_just_runs(fresh):
    environment = os.environ | {"DATABASE_URL": "postgres://elsewhere/x"}
    arguments, options = command(fresh, "run", "--", "sh", "-c", "exit 3", env=environment)
    assert subprocess.run(arguments, **options).returncode == 3
    assert not fresh.exists()


def test_stop_stops_a_server_left_behind(folder):
    user = use(folder)
    user.stdout.readline()
    kill(user)
    arguments, options = command(folder, "stop")
    subprocess.run(arguments, check=True, **options)
    assert Cluster("postgres", folder).pid() is None


@root_only
def test_root_has_the_server_run_by_an_account_that_owns_only_its_data(folder):
    with running(folder):
        server = Cluster("postgres", folder)
        assert server.data.stat().st_uid != 0
        assert Path(f"/proc/{server.pid()}").stat().st_uid == server.data.stat().st_uid
    assert folder.stat().st_uid == folder.parent.stat().st_uid == 0


@root_only
def test_root_moves_the_data_out_of_a_folder_nobody_else_can_enter(closed):
    with running(closed):
        assert ask(closed, "SELECT 1") == (1,)
        outside = Cluster("postgres", closed).outside
        assert Cluster("postgres", closed).data == outside / "postgres"
    assert closed.parent.stat().st_mode & 0o777 == 0o700
    embedded.remove(closed)
    assert not outside.exists()


@root_only
def test_what_a_removed_folder_left_outside_is_not_found_again(closed):
    with running(closed):
        ask(closed, "CREATE TABLE left_behind AS SELECT 1")
    shutil.rmtree(closed)
    with running(closed):
        assert ask(closed, "SELECT to_regclass('left_behind')") == (None,)


@root_only
def test_the_note_of_another_checkout_is_not_followed(closed):
    with running(closed):
        outside = Cluster("postgres", closed).outside
    copy = closed.parent / "copy" / ".data"
    copy.mkdir(parents=True)
    (copy / "outside").write_text(f"{outside}\n")
    assert Cluster("postgres", copy).outside is None
