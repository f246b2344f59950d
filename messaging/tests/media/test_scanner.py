"""The virus scanner: asked for every file when it is set, and no file passes without its word."""

import io
import socket
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from evosense.core.errors import Invalid
from messaging.models import Upload
from messaging.services.media import fetching, scanner, sources, store_upload
from messaging.services.media.refusals import Refused, ScannerAway
from messaging.tests.media import samples
from messaging.tests.media.clamd import EICAR, running_clamd


@pytest.fixture(params=["tcp", "unix"])
def clamd(request, settings):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clamd.ctl" if request.param == "unix" else None
        with running_clamd(path) as (address, daemon):
            settings.MEDIA = replace(settings.MEDIA, scanner=address)
            yield daemon


def test_every_byte_is_looked_at(clamd):
    large = bytes(range(256)) * 1000
    content = io.BytesIO(large)
    scanner.scan(content)
    assert clamd.seen == [large]
    assert content.tell() == 0


def test_what_it_finds_is_refused(clamd):
    with pytest.raises(Refused, match="infected"):
        scanner.scan(io.BytesIO(samples.PDF + EICAR))


def test_no_answer_is_no_permission(clamd):
    clamd.mute = True
    with pytest.raises(ScannerAway):
        scanner.scan(io.BytesIO(b"x"))


@pytest.mark.parametrize("address", ["unix:///nowhere/clamd.ctl", "tcp://127.0.0.1:1"])
def test_a_scanner_that_is_away_lets_nothing_pass(settings, address):
    settings.MEDIA = replace(settings.MEDIA, scanner=address)
    with pytest.raises(ScannerAway):
        scanner.scan(io.BytesIO(b"x"))


def test_a_scanner_that_hangs_ends(settings, monkeypatch):
    monkeypatch.setattr(scanner, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.MEDIA = replace(
            settings.MEDIA, scanner=f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        )
        with pytest.raises(ScannerAway):
            scanner.scan(io.BytesIO(b"x"))


def test_without_a_scanner_nobody_is_asked():
    assert not scanner.is_on()
    scanner.scan(io.BytesIO(EICAR))


def test_states_of_received_files(make_media, clamd, settings, monkeypatch):
    monkeypatch.setattr(sources, "from_server", lambda _media, _raw: samples.PDF + EICAR)
    bad = make_media("document")
    fetching.fetch_one(bad.pk)
    bad.refresh_from_db()
    assert (bad.status, bad.failure, bad.storage_key) == ("skipped", "infected", "")
    settings.MEDIA = replace(settings.MEDIA, scanner="tcp://127.0.0.1:1")
    later = make_media("document")
    fetching.fetch_one(later.pk)
    later.refresh_from_db()
    assert (later.status, later.failure, later.attempts) == ("pending", "scanner_away", 0)


def test_a_file_larger_than_it_reads_says_so_and_may_be_asked_for_again(
    make_media, clamd, monkeypatch
):
    clamd.limit = 100_000
    large = samples.PDF + bytes(10_000_000)
    monkeypatch.setattr(sources, "from_server", lambda _media, _raw: large)
    media = make_media("document")
    fetching.fetch_one(media.pk)
    media.refresh_from_db()
    assert (media.status, media.failure, media.storage_key) == ("unavailable", "unscanned", "")
    assert fetching.may_retry(media)
    with pytest.raises(Invalid, match="file_unscanned"):
        store_upload(SimpleUploadedFile("a.pdf", large))


def test_uploads_are_scanned_too(tenant, clamd, settings):
    with pytest.raises(Invalid) as refusal:
        store_upload(SimpleUploadedFile("a.pdf", samples.PDF + EICAR))
    assert (refusal.value.code, refusal.value.field) == ("file_infected", "file")
    settings.MEDIA = replace(settings.MEDIA, scanner="tcp://127.0.0.1:1")
    with pytest.raises(Invalid) as refusal:
        store_upload(SimpleUploadedFile("a.pdf", samples.PDF))
    assert refusal.value.code == "scanner_away"
    assert not Upload.objects.exists()
