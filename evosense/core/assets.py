"""Static files under names that change with their content."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class AssetStorage(CompressedManifestStaticFilesStorage):
    """Also renames what our JavaScript modules import, so that no browser mixes two releases.

    Django's own switch for it reads the files of other packages too, and stops at the first
    example import in a comment there.
    """

    patterns = (
        *HashedFilesMixin.patterns,
        ("js/*.js", ((r'(?P<matched>from "(?P<url>\./[^"]+)")', 'from "%(url)s"'),)),
    )
