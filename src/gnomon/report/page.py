"""Pages that load nothing: a template, one style, and the values to show."""

from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup


def render_page(
    package: str,
    name: str,
    filters: Mapping[str, Callable[..., str]],
    **values: Any,  # noqa: ANN401 - what the template shows
) -> str:
    """Renders NAME.html.j2 of a package as a page with the style of all reports.

    The package's own NAME.css, where there is one, follows the common style. The template may
    extend one of `gnomon.report`.

    Args:
        package: holds the template.
        name: the stem of the template and of its style sheet.
        filters: by the names that the template uses.
        values: by the names that the template uses; a missing one is an error.
    """
    environment = Environment(
        loader=FunctionLoader(
            lambda file: _text_of(package, file) or _text_of("gnomon.report", file)
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    template = environment.get_template(f"{name}.html.j2")
    style = [_text_of("gnomon.report", "page.css"), _text_of(package, f"{name}.css")]
    return template.render(
        style=Markup("\n".join(filter(None, style))),  # noqa: S704 - our own files
        **values,
    )


def _text_of(package: str, name: str) -> str:
    """The text of a file of the package; empty where there is none."""
    file = resources.files(package).joinpath(name)
    return file.read_text("utf-8") if file.is_file() else ""
