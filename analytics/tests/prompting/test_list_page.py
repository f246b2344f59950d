"""What the second line of a prompt says, and how the playground names its sides."""

import pytest

from analytics.prompting.platform import PLATFORM
from analytics.tests.prompting.test_pages import page_of, url, write

pytestmark = pytest.mark.usefixtures("tenant")


def test_a_description_that_repeats_the_task_is_left_out(client_for):
    title = next(str(one.title) for one in PLATFORM if one.task == "message_analysis")
    write("plain", description=title)
    write("told", description="For orders of wholesale")
    page = page_of(client_for("admin"), url("list"))
    own = page.split('id="h-house"')[0]
    assert f"· {title}" not in own
    assert "· For orders of wholesale" in own


def test_a_template_of_the_house_is_begun_without_a_description(client_for):
    page = page_of(client_for("admin"), url("create", modelo=PLATFORM[0].name))
    assert f'value="{PLATFORM[0].title}"' not in page
