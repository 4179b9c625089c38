"""The sentences of docs/STUDY.md: how it was measured, what was chosen, where the worlds come from.

The answer itself is `report_answer`'s.
"""

from collections.abc import Iterator, Sequence

import pandas as pd

from vcsoup.demo.bundle import bundle_folder, read_bundle
from vcsoup.numbers import plural
from vcsoup.study.measures import MEASURES
from vcsoup.study.published import Published
from vcsoup.study.results import COMPARED, PRIMARY
from vcsoup.study.study_file import StudyFile
from vcsoup.training.config import PRESETS

SIGMAS = "standard deviations of the base's rewards"

WORLDS = (
    "**Label noise.** People who label preferences agree with each other on about 63 % to 77 % of "
    "pairs (figures commonly cited for the labels behind arXiv:2203.02155, arXiv:2204.05862 and "
    "arXiv:2009.01325; taken from a secondary source, not checked in the papers). If two people "
    "err independently with probability e, they agree on (1 - e)² + e² of the pairs, so these "
    "agreements mean 13 % to 25 % wrong labels. Another study finds more than 25 % of Anthropic's "
    "HH pairs at odds with a committee of reward models (arXiv:2410.01957, abstract).\n\n"
    "**Conflict** is the share of pairs on which the truth of another value prefers the other "
    "answer. Unselected replies of this world have 43 % to 50 %, by value. No published figure of "
    "this kind was found: assumed.\n\n"
    "**Shared quality** is the share of pairs whose answers differ in flaws, which every value "
    "dislikes. Left as the world draws it, it is 46 % to 58 %, by value: assumed."
)


def method(known: Published) -> str:
    """How it was measured, as a list."""
    study = known.study
    config, n = study.config(0), len(known.comparisons)
    seeds, tuning = (
        ", ".join(map(str, own)) for own in (study.seeds.reporting, study.seeds.tuning)
    )
    vectors = "; ".join(" ".join(f"{w:g}" for w in vector) for vector in study.vectors(K_of(known)))
    lines = [
        f"Seeds {seeds}: each draws its own pairs, trains its own policies and samples its own "
        f"replies. Choices were made on other seeds ({tuning or 'none'}).",
        f"{int(known.rows['n_prompts'].max())} held-out prompts, the same for all arms and seeds, "
        "with the same random numbers within a seed.",
        f"Every policy: {config.steps} steps of {config.batch_size} pairs, LoRA rank "
        f"{config.rank}, beta {config.beta:g}, rate {config.learning_rate:g}, whatever the arm.",
        f"Every arm is asked for the weights {vectors}. "
        + " ".join(["A soup answers all of them with one training per value.", *_rivals(known)]),
        *_random(study),
        "Hypervolume and IGD+ by moocore. The reference point is one standard deviation below the "
        "base on every value, so that the base alone has volume 1. Balanced: the point whose worst "
        "value gains most, chosen on half of the prompts and measured on the other half.",
        "Intervals: seeds and prompts are drawn again independently of each other (crossed), every "
        "arm with the same draws (paired), percentiles expanded for few seeds. One base model and "
        "one set of judges stand behind everything; the intervals do not cover others.",
        f"{n:,} comparisons are listed, all that were made. If nothing differed at all, about "
        f"{n * 0.05:.0f} of their intervals would exclude zero all the same. Primary, named before "
        f"anything was measured: {' and '.join(PRIMARY)}.",
    ]
    table = ["| measure | what it is |", "|---|---|"]
    table += [f"| {name} | {what} |" for name, what in MEASURES.items()]
    return "\n".join([*(f"- {line}" for line in lines), "", *table])


def _rivals(known: Published) -> Iterator[str]:
    """What the other arms of the study do."""
    study, config = known.study, known.study.config(0)
    if "weighted" in study.arms:
        yield (
            "Reward-weighted DPO needs one training per vector: its pairs are all data sets "
            "together, and the answer of the larger weighted reward, in standard deviations, is "
            "the chosen one, whatever the label says."
        )
    if "conditioned" in study.arms:
        steps, together = study.conditioned_steps(K_of(known)), K_of(known) * config.steps
        yield (
            f"Reward-conditioned fine-tuning is one training of {steps} steps, where the policies "
            f"of one soup have {together} together; it is asked for other reward levels in the "
            "prompt."
        )
    if "best-of-n" in study.arms:
        yield (
            "Best-of-n chooses among replies of the base by weighted reward: an upper reference, "
            "not a policy."
        )


def _random(study: StudyFile) -> Iterator[str]:
    if "random" in study.arms:
        yield (
            "Random filter: as many pairs of each value as that threshold keeps, drawn at random. "
            "It tells cleaner data from fewer data."
        )


def chosen(tuning: pd.DataFrame, steps: int) -> str:
    """Which filter was best on the tuning seeds, by each measure that is compared.

    Args:
        tuning: Columns arm, measure, mean, n_seeds, steps.
        steps: Of the study's own trainings.
    """
    filters = _filters(tuning)
    filters = filters[filters["steps"] == steps]
    best = filters.loc[filters.groupby("measure")["mean"].idxmax()].set_index("measure")["arm"]
    told = [f"{best[name]} by {name}" for name in COMPARED if name in best]
    own = " or ".join(f"{at:g}" for at in set(read_bundle(bundle_folder()).thresholds.values()))
    seeds = plural(int(tuning["n_seeds"].max()), "tuning seed")
    return (
        f"Thresholds were tried on {seeds} that enter nothing else. Highest means: "
        f"{', '.join(told)}. The embedded world's own threshold is {own}."
    )


def chosen_steps(tuning: pd.DataFrame, steps: int) -> str:
    """Which number of steps was best on the tuning seeds; empty when one alone was tried.

    Args:
        tuning: As in `chosen`.
        steps: As in `chosen`.
    """
    tried = sorted(set(tuning["steps"]))
    if len(tried) < 2:
        return ""
    means = _filters(tuning).groupby(["measure", "steps"], as_index=False)["mean"].mean()
    best = means.loc[means.groupby("measure")["mean"].idxmax()].set_index("measure")["steps"]
    told = [f"{best[name]} by {name}" for name in COMPARED if name in best]
    return (
        f"So were the steps of a training: {', '.join(map(str, tried))}. Highest means over the "
        f"filters: {', '.join(told)}. The study takes {steps}, the demo preset "
        f"{PRESETS['demo'].steps}."
    )


def _filters(tuning: pd.DataFrame) -> pd.DataFrame:
    return tuning[tuning["arm"].str.fullmatch(r"filtered-[\d.]+")]


def repeat(known: Published, file: str) -> str:
    """How to make one row of a study file again."""
    arm = next(iter(filtered_arms(known)), "unfiltered")
    return (
        "From nothing (drawing, scoring, training, measuring); the command says of every figure "
        "whether it lands inside its interval:\n\n"
        "```bash\n"
        f"python -m vcsoup study {file} --only {centre_of(known)}/{arm}\n"
        "```\n\n"
        "`--seed N` (repeatable) takes other seeds than those that were reported. The whole study "
        f"is `python -m vcsoup study {file} --workers 2 --report docs`; stopped or "
        "killed at any time, the same command goes on. What was chosen on the tuning seeds: the "
        "same with `--tuning`, and with `--tuning --steps N`."
    )


def filtered_arms(known: Published) -> list[str]:
    """Names of the arms that filter by value consistency, lowest threshold first."""
    own = known.rows[known.rows["kind"] == "filtered"]
    return list(dict.fromkeys(own.sort_values("threshold", kind="stable")["arm"]))


def centre_of(known: Published) -> str:
    """Name of the world in the centre."""
    return known.study.worlds.centre.name


def K_of(known: Published) -> int:  # noqa: N802 - the field's letter for the number of values
    """How many values the study balances."""
    return len(next(iter(known.about["yardsticks"].values()))["unit"])


def errors(lines: Sequence[str]) -> str:
    """What could not be trained or measured."""
    if not lines:
        return "Nothing: every arm was trained and measured with every seed."
    return "\n".join(f"- {line}" for line in lines)
