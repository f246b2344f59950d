import re

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command


@pytest.fixture
def collected(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "evosense.core.assets.AssetStorage"},
    }
    call_command("collectstatic", verbosity=0, interactive=False)
    return tmp_path


def test_modules_import_the_named_release_of_each_other(collected):
    (app,) = collected.glob("js/app.*.js")
    imported = re.findall(r'from "\./([^"]+)"', app.read_text())
    assert len(imported) > 10
    for name in imported:
        assert re.fullmatch(r"controllers/\w+\.[0-9a-f]{12}\.js", name)
        assert (collected / "js" / name).exists()


def test_pages_find_htmx_and_the_sprite():
    assert finders.find("django_htmx/htmx-2.min.js")
    assert finders.find("icons.svg")
