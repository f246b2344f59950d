"""What our rules catch and what they leave alone. `bad` and `good` mark the line below them."""
# bad: egress-door
import requests
# bad: egress-door
import httpx2
# bad: egress-door
import urllib.request
# bad: egress-door
from urllib.request import urlopen
# bad: mail-door
from django.core.mail import send_mail
# good: egress-door
from urllib.parse import urlencode
# good: egress-door
from evosense.core.http import send
# bad: code-from-data
import pickle
from django.views.decorators.csrf import csrf_exempt
# good: csrf-exempt
from django.views.decorators.csrf import csrf_protect

import asyncio
import os
import subprocess

import yaml
from django.core.cache import cache
from django.template import Template
from django.utils.html import format_html
from django.utils.safestring import mark_safe


def sql(cursor, name, model):
    # bad: sql-from-text
    cursor.execute(f"SELECT 1 FROM {name}")
    # bad: sql-from-text
    cursor.execute("SELECT 1 FROM t WHERE n = '%s'" % name)
    # bad: sql-from-text
    cursor.execute("SELECT 1 FROM t WHERE n = '" + name + "'")
    # bad: sql-from-text
    cursor.execute("SELECT 1 FROM {}".format(name))
    # bad: sql-from-text
    model.objects.extra(where=[name])
    # good: sql-from-text
    cursor.execute("SELECT 1 FROM t WHERE n = %s", [name])


def html(name):
    # bad: unescaped-html
    mark_safe(f"<b>{name}</b>")
    # good: unescaped-html
    format_html("<b>{}</b>", name)
    # bad: template-from-text
    Template(name).render()


def tasks(task, enqueue):
    # bad: task-door
    task.delay(event_id=1)
    # bad: task-door
    task.apply_async(kwargs={})
    # good: task-door
    enqueue(task, event_id=1)


async def cached():
    # bad: sync-cache-in-async
    cache.get("a")
    # good: sync-cache-in-async
    await cache.aget("a")


def cached_in_a_thread():
    # good: sync-cache-in-async
    cache.get("a")


def logs(logger, request, message, token):
    # bad: logged-secret
    logger.info("got %s", request.body)
    # bad: logged-secret
    logger.warning("token", token=token)
    # bad: logged-secret
    logger.info("text", text=message.text)
    # bad: logged-secret
    logger.info(f"number {message.phone}")
    # good: logged-secret
    logger.info("got %s", message.pk)


# bad: csrf-exempt
@csrf_exempt
def view(request):
    # bad: shell
    subprocess.run("ls " + request.path, shell=True)
    # bad: shell
    os.system(request.path)
    # good: shell
    subprocess.run(["ls", "-l"])
    # bad: code-from-data
    eval(request.path)
    # bad: code-from-data
    yaml.load(request.path)
    # good: code-from-data
    yaml.safe_load(request.path)
