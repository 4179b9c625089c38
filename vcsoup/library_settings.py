"""What commands set for other libraries, which read it when they are loaded.

A user's own environment variables win.
"""

import os
from collections.abc import Mapping

LIBRARY_SETTINGS: Mapping[str, str] = {
    # Bars of other libraries would run over ours.
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def set_up_libraries() -> None:
    """Set them; of use only before the libraries are loaded."""
    for name, text in LIBRARY_SETTINGS.items():
        os.environ.setdefault(name, text)
