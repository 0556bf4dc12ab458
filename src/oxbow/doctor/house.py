"""What belongs to this server: its settings, its home, its ports, its database, itself."""

from __future__ import annotations

import errno
import os
import socket
import stat

from oxbow.client import Client, RefusedError, ServerUnreachableError, base_url
from oxbow.doctor.finding import Finding, broken, note, ok
from oxbow.doctor.machine import existing_ancestor
from oxbow.kernel.settings import KernelSettings, ListenAddress, SettingsError, check, config_file

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def settings_findings() -> list[Finding]:
    """One finding for each wrong or unknown setting, or one that all is well."""
    # Only the server knows every section, and so which names are unknown.
    import oxbow.server  # noqa: F401

    try:
        unknown = check()
    except SettingsError as error:
        remedy = "correct it, or take it out for the default; docs/settings.md lists them all"
        return [broken("settings", problem, remedy) for problem in error.problems]
    if unknown:
        return [note("settings", warning, "correct the name, or take it out") for warning in unknown]
    file = config_file()
    return [ok("settings", f"from {file} and the environment" if file.exists() else "from the environment")]


def home(settings: KernelSettings) -> Finding:
    place = settings.home
    if not place.exists():
        above = existing_ancestor(place)
        if not os.access(above, os.W_OK | os.X_OK):
            return broken(
                "home", f"{place} cannot be made in {above}", "set OXBOW_HOME to a directory of yours"
            )
        return ok("home", f"{place} will be made at the first start")
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        return broken("home", f"{place} is not writable", "make it yours (chown -R), or set OXBOW_HOME")
    if place.stat().st_mode & OTHERS:
        return broken("home", f"{place} is open to others and holds keys", f"chmod 700 {place}")
    return ok("home", str(place))


def server(settings: KernelSettings, client: Client | None) -> Finding:
    """Whether the server of this home runs; it need not."""
    url = base_url(settings.api_listen)
    try:
        if client is not None:
            client.get("/v2/hubs")
            return ok("server", f"runs, its API is at {url}")
    except RefusedError as refusal:
        remedy = "another server may hold the port: set OXBOW_API_LISTEN, or OXBOW_HOME to that server's home"
        return broken("server", f"what answers at {url} does not take our keys: {refusal}", remedy)
    except ServerUnreachableError:
        pass
    return note("server", "does not run", "start it with `oxbow serve`")


def ports(settings: KernelSettings, *, running: bool) -> list[Finding]:
    """Whether each port is free, or in use by the running server."""
    wanted = {
        "OXBOW_API_LISTEN": settings.api_listen,
        "OXBOW_MEDIA_LISTEN": settings.media_listen,
        "OXBOW_OBJECT_LISTEN": settings.object_listen,
        "OXBOW_RTMP_LISTEN": settings.rtmp_listen,
        "OXBOW_MEDIA_TLS_LISTEN": settings.media_tls_listen,
        "OXBOW_RTMPS_LISTEN": settings.rtmps_listen,
    }
    return [_port(variable, listen, running) for variable, listen in wanted.items() if listen is not None]


def _port(variable: str, listen: ListenAddress, running: bool) -> Finding:
    name = f"port {listen.port}"
    problem = bind_problem(listen)
    if running and problem == errno.EADDRINUSE:
        return ok(name, f"{listen}, in use by the running server")
    match problem:
        case 0:
            if running:
                return note(
                    name, f"{listen} is free although the server runs", f"was {variable} changed since?"
                )
            return ok(name, f"{listen} is free")
        case errno.EADDRINUSE:
            remedy = f"end the other program (ss -ltnp 'sport = :{listen.port}'), or set {variable}"
            return broken(name, f"{listen} is in use by another program", remedy)
        case errno.EACCES:
            return broken(name, f"{listen} is for root only", f"set {variable} to a port above 1023")
        case _:
            return broken(
                name, f"{listen}: {os.strerror(problem)}", f"set {variable} to an address of this machine"
            )


def bind_problem(listen: ListenAddress) -> int:
    """The errno of listening there; 0 when it works."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the server does it: a port whose last connections still linger is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen.host, listen.port))
        except socket.gaierror:
            return errno.EADDRNOTAVAIL
        except OSError as error:
            return error.errno or errno.EINVAL
        return 0
