"""The colours keep apart for colour-blind people, stand out, and match the theme's file."""

import itertools
import tomllib
from pathlib import Path

import numpy as np
import pytest

from vcsoup.plots.palette import DARK, LIGHT, palette, value_colours

CONFIG = Path(__file__).parents[2] / ".streamlit" / "config.toml"
THEMES = {"light": LIGHT, "dark": DARK}

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
SIGHTS = {
    "usual": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def linear(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def oklab(rgb):
    """Björn Ottosson's perceptual space: distances there are about equally visible."""
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.array(to_lab) @ np.cbrt(np.array(to_lms) @ np.clip(rgb, 0, 1))


def contrast(one, other):
    """WCAG 2 contrast ratio."""
    light = [linear(colour) @ [0.2126, 0.7152, 0.0722] + 0.05 for colour in (one, other)]
    return max(light) / min(light)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", SIGHTS)
def test_colours_stay_apart(theme, sight):
    """0.1 in OKLab is about five just noticeable differences."""
    shown = [THEMES[theme].accent, *THEMES[theme].series]
    seen = {colour: oklab(SIGHTS[sight] @ linear(colour)) for colour in shown}
    for one, other in itertools.combinations(shown, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 0.1, (one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_colours_stand_out(theme):
    """WCAG: 4.5 for text (ink, soft, accent as links), 3 for graphics."""
    colours = THEMES[theme]
    for text in (colours.ink, colours.soft, colours.accent):
        assert contrast(text, colours.paper) >= 4.5
    for mark in colours.series:
        assert contrast(mark, colours.paper) >= 3.0


@pytest.mark.parametrize("theme", THEMES)
def test_the_theme_file_says_the_same(theme):
    said = tomllib.loads(CONFIG.read_text())["theme"][theme]
    colours = THEMES[theme]
    assert said["primaryColor"] == colours.accent
    assert said["backgroundColor"] == colours.paper
    assert said["textColor"] == colours.ink
    assert said["chartCategoricalColors"] == [*colours.series, colours.accent]


def test_the_server_keeps_to_itself():
    said = tomllib.loads(CONFIG.read_text())
    assert said["server"]["address"] == "127.0.0.1"
    assert said["browser"]["gatherUsageStats"] is False
    assert said["runner"]["postScriptGC"] is False


def test_palette_and_value_colours():
    assert palette("dark") is DARK
    assert palette(None) is LIGHT
    seven = value_colours(list("abcdefg"), LIGHT)
    assert seven["g"] == seven["a"] == LIGHT.series[0]
