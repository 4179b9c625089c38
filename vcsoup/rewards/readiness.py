"""Why a judge cannot be asked as it is set up, seen from its files before anything long begins.

For models in local folders; of a hub model, the scoring that fetches it tells. Torch-free.
"""

from vcsoup.errors import RewardModelError
from vcsoup.home_paths import from_home
from vcsoup.rewards.model_files import read_model_files, why_no_model
from vcsoup.rewards.spec import RewardSpec
from vcsoup.rewards.suggest import suggest_spec


def why_not_ready(spec: RewardSpec) -> str:
    """Say why a judge cannot be asked; empty where it may be.

    Example:
        >>> why_not_ready(RewardSpec(kind="length"))
        ''
    """
    if spec.kind != "model":
        return ""
    if why := why_no_model(spec.model):
        return why
    if not from_home(spec.model).is_dir():
        return ""
    try:
        files = read_model_files(spec.model)
        found = suggest_spec(spec.model, files.config, chat_template=files.chat_template).spec
    except RewardModelError as error:
        return str(error)
    if spec.template == "chat" and spec.loader == "classifier" and not files.chat_template:
        return (
            f"{spec.model} has no chat template, so it cannot be asked with template chat; its "
            f"files suggest template {found.template}"
        )
    return ""
