"""The judges that one scoring run has asked, and takes up again for its next texts.

An endpoint's bill and cap go on. Of models, which fill the memory, the one that was asked last is
kept: where it is the run's only one, it is loaded once for all data sets. Torch-free until a model
is loaded.
"""

from collections.abc import Container
from typing import TYPE_CHECKING

from vcsoup.rewards.endpoint import EndpointJudge
from vcsoup.rewards.spec import RewardSpec

if TYPE_CHECKING:
    from vcsoup.rewards.model import RewardModel


class JudgesInUse:
    """What a run has asked so far.

    Attributes:
        endpoints: By value.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.endpoints: dict[str, EndpointJudge] = {}
        self._named = ""
        self._model: RewardModel | None = None

    def holds(self, spec: RewardSpec) -> bool:
        """Tell whether the model that a spec names is in memory."""
        return self._model is not None and self._named == spec.pass_fingerprint()

    def model(self, spec: RewardSpec, *, consents: Container[str] = ()) -> "RewardModel":
        """Return the model that a spec of kind "model" names, whatever its label and sign.

        Raises:
            RewardModelError: as `RewardModel.load`.
        """
        if self._model is None or not self.holds(spec):
            from vcsoup.rewards.model import RewardModel

            self._model = None  # gone before the next one comes: one is in memory at a time
            self._model = RewardModel.load(spec, consents=consents)
            self._named = spec.pass_fingerprint()
        return self._model
