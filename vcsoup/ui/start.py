"""The main script of every session: page configuration, navigation, and one place for user errors.

`app.py` serves it. Streamlit runs it on every visit and every interaction, whichever page is open;
`?present=1` shows the presenter's story instead of a page.
"""

import streamlit as st

from vcsoup.ui import echoes, presenter, soup_link
from vcsoup.ui.navigation import pages
from vcsoup.ui.shell import FAVICON, brand, shown_errors


def main() -> None:
    """Draw the frame and run the page that the address names."""
    st.set_page_config(page_icon=str(FAVICON), layout="wide")
    brand()
    presenting = presenter.asked()
    chosen = st.navigation(pages(), position="hidden" if presenting else "top")
    soup_link.run_began(chosen.url_path)
    st.set_page_config(page_title=f"{chosen.title} | VC-Soup Lab")
    with shown_errors():
        if presenting:
            presenter.run()
        else:
            chosen.run()
        echoes.run_ended()
        soup_link.run_ended()


if __name__ == "__main__":
    main()
