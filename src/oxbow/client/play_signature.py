"""Play addresses signed as a domain asks for it: https://developer.qiniu.com/pili/api/9868/play-security."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from typing import Any

SIGNED = ("tsStartMD5", "tsExpireMD5")

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_VARIABLE = re.compile(r"\$\(([^()]*)\)")


def play_query(path: str, security: Mapping[str, Any], expires: int) -> str:
    """The parameters that `path` must carry; empty if the domain asks for none.

    :param path: of the address, with its slash and extension.
    :param security: the domain's `playSecurity`, as the API shows it.
    :param expires: Unix seconds until which a `tsExpireMD5` address may be used; a `tsStartMD5` address
        may be used from now on, for as long as the domain says.
    """
    if security["type"] not in SIGNED:
        return ""
    moment = expires if security["type"] == "tsExpireMD5" else int(time.time())
    stamp = _in_base(moment, security["tsBase"] or 16)
    part, sign = security["tsPart"] or "t", security["signPart"] or "sign"
    stream_key = path.lstrip("/").rpartition(".")[0] if "." in path else path.lstrip("/")
    values = {
        "key": security["key1"] or security["key2"],
        "path": path,
        "streamKey": stream_key,
        "streamTitle": stream_key.rpartition("/")[2],
        f"_{part}": stamp,
    }
    rule = security["rule"] or f"$(key)$(path)$(_{part})"
    text = _VARIABLE.sub(lambda variable: values.get(variable[1], ""), rule)
    return f"{sign}={hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}&{part}={stamp}"


def _in_base(number: int, base: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, base)
        digits = _DIGITS[digit] + digits
    return digits or "0"
