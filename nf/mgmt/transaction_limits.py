"""How long a transaction may take to prepare, and how many configurations are kept."""

from collections.abc import Callable, Sequence

from nf.mgmt.changes import Change
from nf.mgmt.transaction import Data

__all__ = ["TransactionLimits"]

PROBE = "nf-probe:probe"


class TransactionLimits:
    """The provider of the transaction core's own settings.

    Args:
        set_timeout: Takes the seconds that all providers together have.
        set_history: Takes the number of configurations to keep.
    """

    name = "transactions"
    watches: tuple[str, ...] = (PROBE,)

    def __init__(
        self, set_timeout: Callable[[float], None], set_history: Callable[[int], None]
    ) -> None:
        self._set_timeout, self._set_history = set_timeout, set_history

    def prepare(self, _before: Data | None, after: Data, _changes: Sequence[Change]) -> "_Prepared":
        """See `Provider`."""
        wanted = after.get(PROBE, {}).get("management", {}).get("transactions", {})

        def apply() -> None:
            if "prepare-timeout" in wanted:
                self._set_timeout(float(wanted["prepare-timeout"]))
            if "history" in wanted:
                self._set_history(int(wanted["history"]))

        return _Prepared(apply)


class _Prepared:
    def __init__(self, apply: Callable[[], None]) -> None:
        self.apply = apply

    def abort(self) -> None:
        """See `Prepared`: nothing was taken."""
