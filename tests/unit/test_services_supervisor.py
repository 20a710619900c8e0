"""supervisord's configuration, read back by supervisor itself."""

from __future__ import annotations

import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from services.errors import StackError
from services.state import Folder, State
from services.supervisor import configuration
from services.unit import Program

STATE = State(name="0a1b2c3d", ports={})


def _read(folder: Folder, *programs: Program) -> Any:
    """What supervisor makes of the text that we write."""
    folder.create()
    folder.configuration.write_text(configuration(folder, STATE, programs))
    options = import_module("supervisor.options").ServerOptions()  # it has no types
    options.realize(["-c", str(folder.configuration), "-n"])
    return options


def _program(options: Any) -> Any:
    [group] = options.process_group_configs
    [program] = group.process_configs
    return program


@pytest.mark.parametrize("name", ["plain", "with space", "50%done", "it's", "a,b;c=d#e", "ü"])
def test_awkward_folders_and_values_come_through(tmp_path: Path, name: str) -> None:
    folder = Folder(tmp_path / name)
    environment = {"SECRET": "p%w,=;'x", "ERL": "-kernel x {127,0,0,1}", "HOME": str(folder.path)}
    command = ("/bin/echo", "a b", "%d", str(folder.path))
    program = _program(_read(folder, Program("one", command, folder.path, environment)))

    assert program.environment == environment
    assert program.directory == str(folder.path)
    assert shlex.split(program.command)[-5:] == [str(folder.record("one")), *command]
    assert program.stdout_logfile == str(folder.log("one"))


def test_a_service_is_neither_started_nor_restarted_by_supervisord(tmp_path: Path) -> None:
    program = _program(
        _read(Folder(tmp_path), Program("one", ("/bin/true",), tmp_path, stop_signal="INT", stop_seconds=9))
    )

    assert (program.autostart, bool(program.autorestart), program.startsecs) == (False, False, 0)
    assert (program.stopsignal.name, program.stopwaitsecs, program.killasgroup) == ("SIGINT", 9, True)


def test_a_program_that_settles_is_restarted(tmp_path: Path) -> None:
    program = _program(_read(Folder(tmp_path), Program("relay", ("/bin/true",), tmp_path, settle_seconds=2)))

    assert (program.autostart, bool(program.autorestart), program.startsecs) == (False, True, 2)


def test_the_socket_is_for_its_owner_and_moves_to_the_short_folder(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    text = configuration(folder, State(short="/run/short"), [])

    assert "file = /run/short/supervisor.sock" in text
    assert "chmod = 0600" in text


@pytest.mark.parametrize("name", ["a ;b", "a #b", "a\nb"])
def test_a_folder_that_the_format_would_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StackError, match="use a folder without such signs"):
        configuration(Folder(tmp_path / name), STATE, [])


def test_a_value_with_both_quotes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="use a folder without quotes"):
        configuration(Folder(tmp_path), STATE, [Program("one", ("/bin/true",), tmp_path, {"A": "'\""})])
