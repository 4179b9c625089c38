"""The second chapter of a project: thresholds and filters, in force and by name."""

from collections.abc import Mapping
from pathlib import Path

from vcsoup.errors import WorkspaceError
from vcsoup.filtering import PairFilter, pair_filter
from vcsoup.workspace.config import ProjectConfig
from vcsoup.workspace.filters import FilterTable, NamedFilter, Scale
from vcsoup.workspace.records import Records
from vcsoup.workspace.scored import ScoredPairs

_UNSET = PairFilter(threshold=0.0)


class FilteredPairs(ScoredPairs):
    """Scored pairs with the filters that choose among them; use it as a `Project`."""

    def __init__(self, records: Records, config: ProjectConfig, root: Path) -> None:
        super().__init__(records, config, root)
        self._filters = FilterTable(records, config.name)

    def filters(self) -> dict[str, PairFilter]:
        """Return the filter in force of every value; threshold 0.0 alone where none was set."""
        found = self._filters.current()
        return {value: found.get(value, _UNSET) for value in self.values}

    def set_filter(self, value: str, pair_filter: PairFilter) -> None:
        """Put a value's filter into force; UnknownValueError for another project's value."""
        self._datasets.check_value(value)
        self._filters.set({value: pair_filter})

    def thresholds(self) -> dict[str, float]:
        """Return the threshold of every value; 0.0 where none was set, -1.0 where all is kept."""
        return {
            value: -1.0 if chosen.threshold is None else chosen.threshold
            for value, chosen in self.filters().items()
        }

    def set_threshold(self, value: str, tau: float) -> None:
        """Store the threshold of a value; the rest of its filter stays.

        Raises:
            UnknownValueError: no such value.
            WorkspaceError: outside [-1, 1].
            FilterError: 0 or below while the filter exchanges label flips.
        """
        self._datasets.check_value(value)
        if not -1.0 <= tau <= 1.0:
            raise WorkspaceError(
                f"threshold {tau} of {value} is outside -1 to 1; choose one inside"
            )
        fields = self.filters()[value].model_dump() | {"threshold": float(tau)}
        self.set_filter(value, pair_filter(**fields))

    def set_scale(self, scale: Scale) -> None:
        """Choose what gaps are divided by: the deviation over each data set, or over all."""
        if scale != self.config.scale:
            self.change_config(lambda config: config.model_copy(update={"scale": scale}))

    def named_filters(self) -> list[NamedFilter]:
        """Return the named filters, newest first."""
        return self._filters.named()

    def named_filter(self, name: str) -> NamedFilter:
        """Return one named filter; NotFoundError lists those that exist."""
        return self._filters.find(name)

    def save_named_filter(
        self, name: str, filters: Mapping[str, PairFilter], *, scale: Scale, note: str = ""
    ) -> NamedFilter:
        """Save filters under a name, with what they keep of the present data.

        Args:
            name: 1 to 60 characters on one line; one of the same name is replaced.
            filters: The filter per value; only scored values.
            scale: The scale of the gaps that they were chosen on.
            note: Why, for people.

        Raises:
            UnknownValueError: a value that the project does not have.
            WorkspaceError: a bad name.
            NotFoundError: a value that is not scored.
        """
        counts = {}
        for value, chosen in filters.items():
            self._datasets.check_value(value)
            gaps = self.gaps(value, scale=scale)
            counts[value] = (chosen.count(gaps), len(gaps))
        stamps = {value: self.rewards_stamp(value, scale=scale) for value in filters}
        made = {"name": name, "filters": dict(filters), "scale": scale, "note": note}
        return self._filters.save(NamedFilter(**made, counts=counts, stamps=stamps))

    def restore_named_filter(self, named: NamedFilter) -> None:
        """Put a deleted named filter back as it was, with its date, counts and stamps."""
        self._filters.save(named)

    def delete_named_filter(self, name: str) -> None:
        """Delete a named filter; the filters in force stay."""
        self._filters.delete(name)

    def apply_named_filter(self, name: str) -> NamedFilter:
        """Put a named filter into force for its values, and its scale for the project."""
        named = self._filters.find(name)
        for value in named.filters:
            self._datasets.check_value(value)
        self.set_scale(named.scale)
        self._filters.set(named.filters)
        return named

    def is_stale(self, named: NamedFilter) -> bool:
        """Tell whether pairs or rewards changed since a filter was named."""
        now = self.rewards_stamps(scale=named.scale)
        return any(now.get(value, "") != stamp for value, stamp in named.stamps.items())
