"""Typed settings from the environment (``OXBOW_*``) and one TOML file.

The environment wins over the file, the file over the defaults.  Each room declares its own section::

    class LiveSettings(Section, env_prefix="OXBOW_LIVE_", toml_table="live"):
        tick_ms: int = Field(100, ge=10, le=1000, description="How often ...")

``check()`` looks at everything that is set and reports all that is wrong; ``load()`` gives one section.
"""

from oxbow.kernel.settings.describe import SettingDoc, documented_settings
from oxbow.kernel.settings.errors import SettingsError
from oxbow.kernel.settings.kernel import KernelSettings
from oxbow.kernel.settings.listen import ListenAddress
from oxbow.kernel.settings.loading import check, load
from oxbow.kernel.settings.section import Section, config_file

__all__ = [
    "KernelSettings",
    "ListenAddress",
    "Section",
    "SettingDoc",
    "SettingsError",
    "check",
    "config_file",
    "documented_settings",
    "load",
]
