from django.db import connection


def test_smoke(tenant):
    with connection.cursor() as c:
        c.execute("select count(*) from messaging_message")
        assert c.fetchone() == (0,)
        c.execute("show search_path")
        assert c.fetchone() == ("t_test1, public",)
