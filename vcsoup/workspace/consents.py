"""Consents to run a model's own code or to send texts away, kept in one file each.

So processes never overwrite another's. What a consent means, and who checks it, is in
`vcsoup.rewards.consent`.
"""

from pathlib import Path

from pydantic import ValidationError

from vcsoup.errors import NotFoundError
from vcsoup.home_paths import from_home
from vcsoup.rewards.consent import Consent, consent_key, is_url, risk_of
from vcsoup.workspace.files import now, read_json, write_json


class ConsentShelf:
    """The consents of a workspace, in a folder that need not exist.

    Example:
        >>> import tempfile
        >>> shelf = ConsentShelf(Path(tempfile.mkdtemp()) / "consents")
        >>> given = shelf.give("org/model", "0" * 40)
        >>> given.key in shelf.keys()
        True
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def give(self, model: str, revision: str | None = None) -> Consent:
        """Store a consent; giving it again changes nothing but its time.

        Args:
            model: Hub id, local folder, or an endpoint's url.
            revision: A full commit for a hub id.

        Raises:
            RewardModelError: a hub id without a full commit, or no address of an endpoint.
        """
        key = consent_key(model, revision)
        pinned = None if is_url(model) or from_home(model).is_dir() else revision
        consent = Consent(key=key, model=model, revision=pinned, risk=risk_of(model), given=now())
        write_json(self._folder / f"{key}.json", consent.model_dump())
        return consent

    def revoke(self, model: str, revision: str | None = None) -> None:
        """Take a consent back.

        Raises:
            NotFoundError: none was given for this model at this revision.
        """
        try:
            (self._folder / f"{consent_key(model, revision)}.json").unlink()
        except FileNotFoundError:
            raise NotFoundError(
                f"no consent was given for {model} at revision {revision or 'of its content'}; "
                "see `python -m vcsoup reward consents`"
            ) from None

    def load(self) -> list[Consent]:
        """Return the consents, oldest first; a file that is none counts as no consent."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(Consent.model_validate(read_json(path)))
            except (ValidationError, ValueError):
                continue
        return sorted(found, key=lambda consent: consent.given)

    def keys(self) -> frozenset[str]:
        """Return the keys that `vcsoup.rewards.consent.check_consent` looks up."""
        return frozenset(consent.key for consent in self.load())
