"""Check every internal link of the site when it has been built: page, file and anchor exist."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.util import logging

logger = logging.getLogger(__name__)

#: Attributes that hold a link.
LINKS = {"href", "src"}


class _Page(HTMLParser):
    """Anchors and links of a page."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links = {""}, set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            elif name in LINKS and value:
                self.links.add(value)


def broken(folder):
    """Return the number of internal links below a folder, and ``[(page, link)]`` of broken ones."""
    folder = Path(folder).resolve()
    pages = {path: _Page(path) for path in sorted(folder.rglob("*.html"))}
    count, found = 0, []
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            count += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.is_file() or target in pages and anchor not in pages[target].anchors:
                found.append((path.relative_to(folder).as_posix(), link))
    return count, found


def check(app, exception):
    """Warn of every broken link: ``-W`` makes it an error."""
    if exception or app.builder.name != "html":
        return
    count, found = broken(app.outdir)
    for page, link in found:
        logger.warning("%s: the link %s leads nowhere", page, link)
    logger.info("%d internal links, %d broken", count, len(found))


def setup(app):
    """Check when the build is finished."""
    app.connect("build-finished", check)
    return {"parallel_read_safe": True}
