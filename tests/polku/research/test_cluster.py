"""Settings of a cluster, and a thrift server that is not there or does not answer. No Spark is needed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import cluster
from polku.research.cluster import Cluster, kind_of, read_cluster


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return DataRoot("mvad", tmp_path)


def write(root: DataRoot, **changed: str) -> None:
    settings = {"host": '"127.0.0.1"', "port": "10000", "share": f'"{root.path}"', "share_is_encrypted": "true"}
    lines = [f"{key} = {value}\n" for key, value in (settings | changed).items() if value]
    root.engine_settings("spark").write_text("".join(lines), encoding="utf-8")


def test_the_settings_of_the_site_are_read(root: DataRoot) -> None:
    write(root, kerberos_service='"hive"')
    assert read_cluster(root) == Cluster("127.0.0.1", 10000, "polku", root.path, "hive")


def test_without_settings_nothing_is_built(root: DataRoot) -> None:
    with pytest.raises(Refusal, match=r"spark\.toml: the settings of the cluster are missing") as refusal:
        read_cluster(root)
    assert refusal.value.exit is Exit.ENGINE_UNUSABLE


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"host": ""}, "`host` must be there"),
        ({"port": '"10000"'}, "`port` must be there, as a int"),
        ({"password": '"x"'}, "no setting `password`"),
        ({"share_is_encrypted": "false"}, "not encrypted"),
        ({"share": '"/nowhere/at/all"'}, "no folder of this machine"),
        ({"share": '"data"'}, "no folder of this machine"),
    ],
)
def test_settings_that_could_not_work_are_refused(root: DataRoot, changed: dict[str, str], why: str) -> None:
    write(root, **changed)
    with pytest.raises(Refusal, match=why) as refusal:
        read_cluster(root)
    assert refusal.value.exit is Exit.ENGINE_UNUSABLE


def test_nobody_at_the_port_is_told_at_once(root: DataRoot) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        at = Cluster("127.0.0.1", taken.getsockname()[1], "polku", root.path)
        with pytest.raises(Refusal, match="ConnectionRefusedError") as refusal, at.session():
            pass
    assert refusal.value.exit is Exit.ENGINE_UNREACHABLE


def test_a_server_that_says_nothing_does_not_hold_the_night(root: DataRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "GREETING_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at = Cluster("127.0.0.1", silent.getsockname()[1], "polku", root.path)
        with pytest.raises(Refusal) as refusal, at.session():
            pass
    assert refusal.value.exit is Exit.ENGINE_UNREACHABLE


def test_of_a_failure_only_its_kind_is_told() -> None:
    assert kind_of(ValueError("Error: [CAST_INVALID_INPUT] The value '010190-900A' ...")) == "CAST_INVALID_INPUT"
    assert kind_of(ValueError("010190-900A")) == "ValueError"
