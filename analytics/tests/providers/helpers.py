"""Providers for tests, and questions in the form of the pipeline."""

import json

from analytics.providers.chat import ChatOutcome, ask
from analytics.providers.models import Provider
from analytics.providers.origins import origin_of
from analytics.providers.refs import ProviderRef, provider_ref
from evosense.core.schema import active_tenant

KEY = "sk-test-1234567890"
EMOTIONS = ["alegria", "gratidao", "frustracao", "raiva", "neutro"]
_PROPERTIES = {
    "id": {"type": "integer"},
    "sentiment": {"type": "number"},
    "emotion": {"type": "string", "enum": EMOTIONS},
    "satisfaction": {"type": "integer"},
    "tone": {"type": "string", "enum": ["cordial", "neutro", "agressivo"]},
    "summary": {"type": "string"},
    "confidence": {"type": "number"},
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["items"],
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": list(_PROPERTIES),
                "properties": _PROPERTIES,
            },
        }
    },
}
TEXTS = ("Amei o atendimento, muito obrigada", "Péssimo, demorou e veio quebrado", "ok")


def make_provider(base_url: str, *, key: str | None = KEY, **over) -> Provider:
    tenant = active_tenant()
    values = {
        "name": "Nuvem",
        "base_url": base_url,
        "api_key": key,
        "key_origin": origin_of(base_url) if key else "",
        "chat_model": "fake-1",
        "embedding_model": "fake-embed",
        "tenant_id": tenant.id if tenant else None,
    }
    return Provider.objects.create(**{**values, **over})


def make_ref(base_url: str, **over) -> ProviderRef:
    return provider_ref(make_provider(base_url, **over).pk)


def question(texts=TEXTS) -> str:
    rows = [{"id": number, "text": text} for number, text in enumerate(texts, start=1)]
    return json.dumps({"messages": rows}, ensure_ascii=False)


def ask_about(ref: ProviderRef, texts=TEXTS, *, seconds: float = 20.0, **over) -> ChatOutcome:
    asked = {
        "system": "Julgue cada mensagem.",
        "user": question(texts),
        "schema": SCHEMA,
        "params": {"max_tokens": 2_000, "temperature": 0},
        "deadline_seconds": seconds,
    }
    return ask(ref, **{**asked, **over})
