"""How the measured servers are configured."""

from pathlib import Path

from bench.servers import nginx, oxbow


def test_nginx_has_one_worker_and_never_pings_viewers_that_cannot_answer():
    text = nginx.configuration(Path("/somewhere"), 19350)

    assert "worker_processes 1;" in text
    assert "listen 127.0.0.1:19350;" in text
    assert "ping 0;" in text
    assert text.count("{") == text.count("}")


def test_only_root_names_the_workers_user(monkeypatch):
    monkeypatch.setattr(nginx.os, "geteuid", lambda: 1000)

    assert "user " not in nginx.configuration(Path("/somewhere"), 1)


def test_oxbow_listens_on_the_loopback_ports_it_is_given():
    chosen = oxbow.settings(Path("/home"), Path("/shm"), (1, 2, 3), workers=2, tick_ms=100)

    assert chosen["OXBOW_API_LISTEN"] == "127.0.0.1:1"
    assert chosen["OXBOW_MEDIA_LISTEN"] == "127.0.0.1:2"
    assert chosen["OXBOW_RTMP_LISTEN"] == "127.0.0.1:3"
    assert chosen["OXBOW_MEDIA_WORKERS"] == "2"
