"""The language that a person chooses in the account menu is the one that the pages speak."""

import re

import pytest

PAGE = "/conversas/"


@pytest.mark.usefixtures("tenant")
def test_the_menus_own_button_changes_the_language(client_for):
    client = client_for("agent")
    html = client.get(PAGE).content.decode()
    button = re.search(r'<button type="submit" name="(\w+)" value="([\w-]+)" lang', html)
    name, value = button.groups()
    answer = client.post("/conta/preferencias/", {name: value, "next": PAGE})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert f'lang="{value}"' in client.get(PAGE).content.decode()[:200]
