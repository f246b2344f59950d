"""One recording at a time: read from our storage, sent to the provider, its words kept.

The network and the storage are used outside transactions; only who still holds the claim writes.
"""

from django.db import transaction

from analytics.analysis.paid import why_uncountable
from analytics.analysis.settings import ai_settings
from analytics.models import AiSettings, ModelCall
from analytics.models.choices import Purpose
from analytics.providers.attempts import Attempt
from analytics.providers.failures import MAYBE_CHARGED, PASSING
from analytics.providers.refs import ProviderRef, ProviderUnavailable, provider_ref
from analytics.providers.transcription import transcribe
from analytics.transcribing import jobs
from messaging.selectors.recordings import Recording, recordings_of
from messaging.services.media import note_transcript
from messaging.services.media.store import open_stored

# What the servers that we know take of one file.
MOST_BYTES = 25 * 1024 * 1024
MOST_SECONDS = 60 * 60
SECONDS = 100.0
# Our own storage is away, or the provider does not say how long it rests.
_PAUSE = 60.0
_LONGEST_PAUSE = 3_600.0
# Another try may help; an answer that is no JSON was paid for and would come again.
_AGAIN = PASSING - {"not_json"}


class NotTranscribed(Exception):  # noqa: N818  (read as a sentence where raised)
    """There is no transcript; `code` says why, `was_asked` whether the provider got the sound."""

    def __init__(
        self, code: str, *, was_asked: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.was_asked = was_asked
        self.retry_after = retry_after


# Nothing was sent, and nothing is wrong with the recording.
_WAITS = frozenset({"breaker_open", "rate_limited", "storage_away"})


def transcribe_next() -> bool:
    """Transcribe the newest recording that waits; False when none may be taken now."""
    settings = ai_settings()
    if not settings.transcribes:
        jobs.forget_waiting()
        return False
    jobs.put_aside()
    held = jobs.claim()
    if held is None:
        return False
    found = recordings_of([held.message_id])
    if not found:
        # Deleted, lost, or written down by somebody else meanwhile.
        jobs.finish(held)
        return True
    try:
        words = _words_of(found[0], settings)
    except NotTranscribed as error:
        _give_back(held, error)
    else:
        _keep(held, found[0], words)
    return True


def _words_of(recording: Recording, settings: AiSettings) -> str:
    """Return what a recording says; raises NotTranscribed."""
    _check_size(recording)
    ref = _provider(settings)
    sound = _sound(recording)
    outcome = transcribe(ref, sound, mime=recording.mime, seconds=SECONDS)
    if outcome.attempt is not None:
        _write_call(ref, outcome.attempt)
    if outcome.text is None:
        raise NotTranscribed(
            outcome.error,
            was_asked=outcome.attempt is not None,
            retry_after=outcome.retry_after,
        )
    if not outcome.text:
        raise NotTranscribed("nothing_said", was_asked=True)
    return outcome.text


def _check_size(recording: Recording) -> None:
    if recording.size > MOST_BYTES:
        raise NotTranscribed("too_large")
    if (recording.seconds or 0) > MOST_SECONDS:
        raise NotTranscribed("too_long")


def _provider(settings: AiSettings) -> ProviderRef:
    try:
        ref = provider_ref(settings.provider_id)
    except ProviderUnavailable as error:
        raise NotTranscribed(error.code) from error
    if not ref.transcription_model:
        raise NotTranscribed("no_model")
    # Prices are for tokens and sound is sold by the minute, so a limit of money could not be kept.
    refusal = why_uncountable(None, settings, is_local=ref.is_local)
    if refusal:
        raise NotTranscribed(refusal)
    return ref


def _sound(recording: Recording) -> bytes:
    try:
        with open_stored(recording.storage_key) as content:
            sound = bytes(content.read(MOST_BYTES + 1))
    except FileNotFoundError as error:
        raise NotTranscribed("file_gone") from error
    except OSError as error:
        raise NotTranscribed("storage_away") from error
    if len(sound) > MOST_BYTES:
        raise NotTranscribed("too_large")
    return sound


def _keep(held: jobs.Claim, recording: Recording, words: str) -> None:
    with transaction.atomic():
        if jobs.finish(held):
            note_transcript(recording.media_id, words)


def _give_back(held: jobs.Claim, error: NotTranscribed) -> None:
    pause = None if error.retry_after is None else min(error.retry_after, _LONGEST_PAUSE)
    if not error.was_asked and error.code in _WAITS:
        jobs.wait(held, error.code, seconds=pause or _PAUSE)
    elif error.was_asked and error.code in _AGAIN:
        jobs.later(held, error.code, seconds=pause, is_charged=error.code in MAYBE_CHARGED)
    else:
        jobs.fail(held, error.code)


def _write_call(ref: ProviderRef, attempt: Attempt) -> None:
    ModelCall.objects.create(
        purpose=Purpose.TRANSCRIPTION,
        provider_id=ref.id,
        provider_name=ref.name,
        model_requested=ref.transcription_model,
        model_returned=attempt.model_returned,
        items=1,
        latency_ms=attempt.latency_ms,
        http_status=attempt.http_status,
        error=attempt.error[:40],
    )
