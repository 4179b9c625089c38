"""What runs are called, before any of them exists."""

from vcsoup.training.config import TrainConfig
from vcsoup.ui.train_plan import Plan, run_title


def test_runs_that_differ_in_their_last_changed_setting_have_names_of_their_own():
    """Told are rank and steps, which they share, and the seed, in which they differ."""
    configs = [TrainConfig(rank=8, steps=7, seed=seed) for seed in (1, 2)]
    names = [run_title(("helpful", "filtered"), Plan((), "paper", config)) for config in configs]
    assert names == [f"helpful, filtered, rank 8, steps 7, seed {seed}" for seed in (1, 2)]
