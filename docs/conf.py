"""Sphinx: `make docs`. The pages of the course and the tables of results are written from their sources each time; lessons are executed."""

import hashlib
import logging
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from docutils import nodes  # noqa: E402
from latex2mathml.converter import convert  # noqa: E402

from benchmarks.textbook import page as page_of_figures  # noqa: E402
from sb3_course import reference  # noqa: E402
from sb3_course.teaching import pages  # noqa: E402

project = "sb3-course"
author = "The sb3-course authors"
extensions = ["myst_nb"]
myst_heading_anchors = 3  # a heading is a place to link to, by the name that GitHub gives it
exclude_patterns = ["_build", "images", "_generated/textbook.md", "published/site"]  # the last is included in textbook.md
html_theme = "furo"
html_title = "sb3-course"

figures = page_of_figures.read(HERE.parent / "results" / "textbook")
lines = [page_of_figures.headline(figures), "", *page_of_figures.overview(figures, linked=False)] if figures else ["They have not been run here yet."]
generated = HERE / "_generated"
generated.mkdir(exist_ok=True)
(generated / "textbook.md").write_text("\n".join([*lines, ""]), encoding="utf-8")

# What a lesson prints depends on its own cells, on the code that it runs and on the results that it reads: any change of these runs all lessons again.
code = [path for folder in ("from_scratch", "benchmarks", "sb3_course/teaching") for path in (HERE.parent / folder).rglob("*.py")]
read = list((HERE.parent / "results").rglob("*.json"))
state = hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in sorted([*code, *read])))
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "executed" / state.hexdigest()[:16])
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_merge_streams = True
smartquotes = False  # s' is a state, not a quotation
logging.getLogger("traitlets").setLevel(logging.WARNING)  # nothing to say where all is well
myst_enable_extensions = ["dollarmath"]
suppress_warnings = ["mystnb.unknown_mime_type"]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["IPYTHONDIR"] = str(HERE / "_build" / "ipython")  # nobody's own settings
profile = HERE / "_build" / "ipython" / "profile_default" / "ipython_kernel_config.py"
profile.parent.mkdir(parents=True, exist_ok=True)
profile.write_text("c = get_config()\nc.IPKernelApp.log_level = 40\n", encoding="utf-8")
pages.write(HERE)
reference.write(HERE)

html_math_renderer = "mathml"
html_static_path = ["static"]
html_extra_path = ["published/site"]  # reports, which are pages by themselves
html_show_copyright = False
html_css_files = ["pages.css"]
html_js_files = ["keyboard.js"]


def setup(app):
    """Formulas as MathML, which browsers draw and screen readers read: no script, and nothing that is fetched from elsewhere."""

    def formula(self, node, display):
        self.body.append(convert(node.astext(), display="block" if display else "inline"))
        raise nodes.SkipNode

    app.add_html_math_renderer(
        "mathml", inline_renderers=(lambda self, node: formula(self, node, False), None), block_renderers=(lambda self, node: formula(self, node, True), None)
    )
