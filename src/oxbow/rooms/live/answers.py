"""What the API answers: field names, order and zero values are those of the examples in the API's pages.

The pages: https://developer.qiniu.com/pili/9889/live-hub-information for hubs,
https://developer.qiniu.com/pili/9896/live-domain-information for domains, and those below
https://developer.qiniu.com/pili for streams.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from oxbow.rooms.live.board import LiveDetails, LiveInfo
from oxbow.rooms.live.callbacks.settings import Callback
from oxbow.rooms.live.cname.models import expected_cname
from oxbow.rooms.live.explain import Explanation
from oxbow.rooms.live.fields import encode_marker
from oxbow.rooms.live.models import Activity, Domain, Hub, Stream
from oxbow.rooms.live.play_security import PlaySecurity

Json = dict[str, Any]


def cname(domain: Domain, suffix: str) -> str:
    """The name that the domain's DNS record should point to."""
    return expected_cname(domain.name, domain.type, suffix)


def hub_list(hubs: Iterable[Hub]) -> Json:
    return {"items": [{"name": hub.name} for hub in hubs]}


def hub_info(hub: Hub, domains: Sequence[Domain], cname_suffix: str) -> Json:
    """As documented, and what it asks of whoever plays, without the keys."""
    first_of_type = {domain.type: domain for domain in reversed(domains)}
    return {
        "hubName": hub.name,
        "createdAt": hub.created_at,
        "updatedAt": hub.updated_at,
        "domains": [
            {"type": domain.type, "domain": domain.name, "cname": cname(domain, cname_suffix)}
            for domain in domains
        ],
        "defaultDomains": [
            {"type": domain.type, "domain": domain.name}
            for domain in domains
            if first_of_type[domain.type] is domain
        ],
        "storageBucket": hub.storage_bucket,
        "liveDataExpireDays": hub.live_data_expire_days,
        "publishSecurity": hub.publish_security,
        "nrop": {"enable": False, "interval": 0, "notifyURL": "", "notifyRate": 0},
        "passiveCodecProfiles": [],
        "converts": [],
        "hlsPlus": hub.hls_plus,
        "vodDomain": hub.vod_domain,
        "accesslog": {"saveBucket": "", "expireDays": 0},
        "snapshotInterval": hub.snapshot_interval,
        **hub_play(hub, told=False),
    }


def hub_publish(hub: Hub, grace_seconds: float) -> Json:
    """How the hub treats publishers; `grace_seconds` counts where the hub has none of its own."""
    return {
        "autoCreate": hub.auto_create,
        "secondPublisher": hub.second_publisher,
        "graceSeconds": grace_seconds if hub.grace_seconds is None else hub.grace_seconds,
    }


def hub_play(hub: Hub, *, told: bool) -> Json:
    """What the hub asks of whoever plays; the keys are empty for who may not be told."""
    security = _play_security(hub.play_security, told)
    return {"boundDomainsOnly": hub.bound_domains_only, "playSecurity": security}


def _play_security(security: PlaySecurity, told: bool) -> Json:
    return _settings(security if told else msgspec.structs.replace(security, key1="", key2=""))


def domain_list(domains: Iterable[Domain], cname_suffix: str) -> Json:
    return {
        "domains": [
            {
                "type": domain.type,
                "domain": domain.name,
                "cname": cname(domain, cname_suffix),
                "certEnable": bool(domain.cert_name),
                "certName": domain.cert_name,
            }
            for domain in domains
        ]
    }


def domain_info(domain: Domain, cname_suffix: str, *, told: bool) -> Json:
    """The keys of play addresses are empty for who may not be told."""
    return {
        "domain": domain.name,
        "type": domain.type,
        "cname": cname(domain, cname_suffix),
        "connectCallback": _callback(domain.connect_callback),
        "disconnectCallback": _callback(domain.disconnect_callback),
        "ipLimit": _settings(domain.ip_limit),
        "playSecurity": _play_security(domain.play_security, told),
        "refererLimit": _settings(domain.referer_limit),
        "areaLimit": _settings(domain.area_limit),
        "disconnectDelay": domain.disconnect_delay.disconnect_delay,
        "originAuth": _settings(domain.origin_auth),
        "urlRewrite": _settings(domain.url_rewrite),
        "certEnable": bool(domain.cert_name),
        "certName": domain.cert_name,
        "disable": domain.disabled,
    }


def _settings(struct: msgspec.Struct) -> Json:
    """Every field by its name on the wire."""
    return {
        field.encode_name: msgspec.to_builtins(getattr(struct, field.name))
        for field in msgspec.structs.fields(struct)
    }


def explanation(found: Explanation) -> Json:
    """What would happen to an address; the last three are empty where it is let in."""
    return {
        "allowed": found.allowed,
        "action": found.action,
        "stream": found.stream,
        "domain": found.domain,
        "rewritten": found.rewritten,
        "rule": found.rule,
        "reason": found.reason,
        "description": found.description,
        "rules": [{"rule": verdict.rule, "result": verdict.result} for verdict in found.rules],
    }


def _callback(callback: Callback) -> Json:
    """Without variables it says null, as the page's example does."""
    return _settings(callback) | {"vars": callback.vars or None}


def stream_list(keys: Sequence[str], limit: int, disabled: Mapping[str, Stream]) -> Json:
    """A page; its marker is empty only when the page was not full, which is how clients know the end.

    Those that are `disabled` now say so.
    """
    marker = encode_marker(keys[-1]) if len(keys) == limit else ""
    return {"items": [{"key": key} | _ban(disabled.get(key)) for key in keys], "marker": marker}


def _ban(stream: Stream | None) -> Json:
    if stream is None:
        return {}
    return {"disabledTill": stream.disabled_till, "disabledReason": stream.disabled_reason}


def stream_info(stream: Stream, expire_days: int, now: float, *, told: bool) -> Json:
    """The publish key is empty for who may not be told."""
    return {
        "createdAt": stream.created_at,
        "updatedAt": stream.updated_at,
        "expireAt": stream.expire_at(expire_days),
        "disabledTill": stream.disabled_till if stream.disabled_at(now) else 0,
        "disabledReason": stream.disabled_reason if stream.disabled_at(now) else "",
        "converts": [],
        "watermark": False,
        "publishSecurity": stream.publish_security,
        "publishKey": stream.publish_key if told else "",
        "nropEnable": False,
    }


_OFFLINE = LiveInfo(start_at=0, client_addr="", server_addr="")


def live_info(info: LiveInfo | None) -> Json:
    """A stream's figures; zeros while it is not live."""
    info = info or _OFFLINE
    return {
        "startAt": info.start_at,
        "clientIP": info.client_addr,
        "serverIP": info.server_addr,
        "bps": info.bps,
        "videoBitRate": info.video_bps,
        "audioBitRate": info.audio_bps,
        "maxGop": info.max_gop_ms,
        "avgGop": info.avg_gop_ms,
        "location": info.location,
        "isp": info.isp,
        "playCount": info.play_count,
        "bandwidth": info.bandwidth,
        "fps": _fps(info),
    }


def live_details(details: LiveDetails | None) -> Json:
    """An extension; empty while the stream is not live."""
    if details is None:
        return {"publisher": None, "media": None, "audience": []}
    who, media = details.publisher, details.media
    return {
        "publisher": {
            "protocol": who.protocol,
            "domain": who.domain,
            "area": who.area,
            "isp": who.isp,
            "location": who.location,
        },
        "media": {
            "width": media.width,
            "height": media.height,
            "videoFrameRate": media.frame_rate,
            "videoCodec": media.video_codec,
            "videoProfile": media.video_profile,
            "videoLevel": media.video_level,
            "audioCodec": media.audio_codec,
            "audioProfile": media.audio_profile,
            "audioChannel": media.channels,
            "audioSampleRate": media.sample_rate,
        },
        "audience": [
            kind._asdict() | {"playCount": crowd.viewers, "bandwidth": crowd.bandwidth}
            for kind, crowd in sorted(details.audience.items())
        ],
    }


def live_item(key: str, info: LiveInfo) -> Json:
    """A live stream among others."""
    return {
        "startAt": info.start_at,
        "clientIP": info.client_addr,
        "serverIP": info.server_addr,
        "bps": info.bps,
        "fps": _fps(info),
        "key": key,
    }


def _fps(info: LiveInfo) -> Json:
    return {"audio": info.audio_fps, "video": info.video_fps, "data": info.data_fps}


def history(activities: Iterable[Activity]) -> Json:
    """Broadcasts; one that is still on ends, as far as anybody knows, when it was last seen."""
    return {
        "items": [
            {
                "start": activity.started_at,
                "end": activity.seen_at if activity.ended_at is None else activity.ended_at,
                "clientIP": activity.client_addr,
                "serverIP": activity.server_addr,
            }
            for activity in activities
        ]
    }
