"""The provider that has the datapath follow the configuration."""

import logging
from collections.abc import Sequence

from nf.datapath.settings import Settings
from nf.errors import ChannelError, Refused
from nf.mgmt.changes import Change
from nf.mgmt.compiling import CompileError, compile_settings
from nf.mgmt.link import Link
from nf.mgmt.setting_paths import path_of
from nf.mgmt.transaction import Data, ProviderError
from nf.process.logs import Form, event, follow

__all__ = ["DatapathProvider"]

log = logging.getLogger(__name__)

PROBE = "nf-probe:probe"


class DatapathProvider:
    """Compiles the tree, has the datapath prepare, and apply."""

    name = "datapath"
    watches: tuple[str, ...] = (PROBE,)

    def __init__(self, link: Link, first_seconds: float = 5.0) -> None:
        """At the start the datapath is waited for, `first_seconds` at most."""
        self._link = link
        self._first_seconds = first_seconds

    def prepare(
        self, before: Data | None, after: Data, changes: Sequence[Change]
    ) -> "PreparedSettings":
        """See `Provider`.

        Raises:
            ProviderError: The configuration makes no settings, or the datapath refuses them.
        """
        del changes
        try:
            settings = compile_settings(after)
        except CompileError as error:
            raise ProviderError(error.place, error.what, error.app_tag) from error
        if before is None:
            self._link.wait(self._first_seconds)
        try:
            generation, effect = self._link.prepare(settings)
        except Refused as error:
            if before is None:
                # What was in force must not keep management from starting: it can be changed only
                # while management runs. The link says in the state why the datapath is behind.
                event(log, logging.DEBUG, "the datapath refuses the configuration", why=error.what)
                return PreparedSettings(self._link, 0, settings)
            message = f"{error.what}; try: {error.hint}"
            tag = error.app_tag or "not-applicable"
            raise ProviderError(path_of(error.place, settings), message, tag) from error
        except ChannelError as error:
            raise ProviderError(
                f"/{PROBE}", f"the datapath does not answer: {error.what}", "datapath-silent"
            ) from error
        event(log, logging.DEBUG, "prepared", generation=generation, effect=effect)
        return PreparedSettings(self._link, generation, settings)


class PreparedSettings:
    """Settings that the datapath is ready for."""

    def __init__(self, link: Link, generation: int, settings: Settings) -> None:
        """`generation` is the number under which they were prepared."""
        self._link = link
        self._generation = generation
        self.settings = settings

    def apply(self) -> None:
        """See `Prepared`; this process logs as the configuration says, too."""
        logs = self.settings.logging
        form: Form = "json" if logs.format == "json" else "logfmt"
        follow(logs.level, logs.modules, form, journald=logs.destination == "journald")
        self._link.apply(self._generation, self.settings)

    def abort(self) -> None:
        """See `Prepared`."""
        self._link.abort(self._generation)
