"""On a device that is not the CPU: everything lies there, and the numbers are the CPU's.

The device is `tests.second_device`, which a GPU-less machine can have; it runs in a process of its
own, because PyTorch keeps a backend until the process ends.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.on_second_device import BASES, JUDGES
from tests.second_device import NAME


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, dict[str, Any]]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.on_second_device"]
    ended = subprocess.run(
        [*command, str(tmp_path_factory.mktemp("places"))],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.parametrize("kind", JUDGES)
def test_rewards_are_those_of_the_cpu(told, kind):
    (here, shares_here, rewards_here), (there, shares_there, rewards_there) = told["judges"][kind]
    assert (here, there) == ("cpu", NAME)
    assert shares_there == shares_here == (kind not in ("bert", "bloom", "modernbert"))
    assert rewards_there == rewards_here
    assert len(set(rewards_there)) == 12


@pytest.mark.parametrize("kind", BASES)
def test_sampled_replies_are_those_of_the_cpu(told, kind):
    (here, replies_here), (there, replies_there) = told["bases"][kind]
    assert (here, there) == ("cpu", NAME)
    assert replies_there == replies_here
    assert any(replies_there)
