"""How providers, their tests and their prices look outside. There is no field for a stored key."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from analytics.providers.capabilities import LADDER
from analytics.providers.models import ModelPrice
from analytics.providers.price_list import CURRENCIES, in_units
from evosense.core.rest import Fields, UtcDateTimeField


class CapabilitiesSerializer(serializers.Serializer[Any]):
    structured = serializers.ChoiceField(
        choices=LADDER, help_text="How answers in JSON are asked for."
    )
    temperature = serializers.BooleanField()
    embeddings = serializers.BooleanField()
    embed_native_dim = serializers.IntegerField(help_text="0: not known.")
    is_matryoshka = serializers.BooleanField(help_text="Longer vectors may be cut to 768.")


class ProviderSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    base_url = serializers.CharField(help_text="Empty for a provider of the house.")
    is_own = serializers.BooleanField()
    is_local = serializers.BooleanField(help_text="Inside the operator's walls.")
    is_active = serializers.BooleanField()
    country = serializers.CharField(help_text="Where texts go when it is asked.")
    chat_model = serializers.CharField()
    embedding_model = serializers.CharField()
    transcription_model = serializers.CharField(help_text="Writes recordings down.")
    requests_per_minute = serializers.IntegerField(allow_null=True)
    tokens_per_minute = serializers.IntegerField(allow_null=True)
    has_key = serializers.BooleanField()
    key_saved_at = UtcDateTimeField(allow_null=True)
    checked_at = UtcDateTimeField(allow_null=True)
    problem = serializers.CharField(help_text="A code; empty when all is well.")
    is_resting = serializers.BooleanField(help_text="Left alone because it fails.")
    capabilities = CapabilitiesSerializer()


class ProviderListSerializer(serializers.Serializer[Any]):
    results = ProviderSerializer(many=True)


class ProviderChangeSerializer(Fields):
    name = serializers.CharField(max_length=80, required=False)
    base_url = serializers.CharField(max_length=300, required=False)
    api_key = serializers.CharField(max_length=500, required=False, help_text="Never answered.")
    chat_model = serializers.CharField(max_length=120, required=False, allow_blank=True)
    embedding_model = serializers.CharField(max_length=120, required=False, allow_blank=True)
    transcription_model = serializers.CharField(max_length=120, required=False, allow_blank=True)
    country = serializers.CharField(max_length=60, required=False, allow_blank=True)
    requests_per_minute = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    tokens_per_minute = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    is_matryoshka = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False)


class ProviderInputSerializer(ProviderChangeSerializer):
    name = serializers.CharField(max_length=80)
    base_url = serializers.CharField(max_length=300)


class StepSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="A rung of the ladder, or embeddings.")
    error = serializers.CharField(help_text="A code; empty when it holds.")
    milliseconds = serializers.IntegerField()


class ProviderTestSerializer(serializers.Serializer[Any]):
    problem = serializers.CharField(help_text="A code; empty when the provider can be used.")
    is_right = serializers.BooleanField(help_text="False: the model confuses praise and complaint.")
    steps = StepSerializer(many=True)
    models = serializers.ListField(child=serializers.CharField())
    capabilities = CapabilitiesSerializer()


class PriceSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    model = serializers.CharField()
    valid_from = serializers.DateField()
    input_price = serializers.SerializerMethodField(help_text="For a million tokens.")
    cached_input_price = serializers.SerializerMethodField()
    output_price = serializers.SerializerMethodField()
    currency = serializers.CharField()

    def get_input_price(self, price: ModelPrice) -> str:
        return str(in_units(price.input_micros))

    def get_cached_input_price(self, price: ModelPrice) -> str | None:
        found = in_units(price.cached_input_micros)
        return None if found is None else str(found)

    def get_output_price(self, price: ModelPrice) -> str:
        return str(in_units(price.output_micros))


class PriceListSerializer(serializers.Serializer[Any]):
    results = PriceSerializer(many=True)


class PriceInputSerializer(Fields):
    model = serializers.CharField(max_length=120)
    valid_from = serializers.DateField()
    input_price = serializers.DecimalField(max_digits=12, decimal_places=6, min_value=Decimal(0))
    cached_input_price = serializers.DecimalField(
        max_digits=12, decimal_places=6, min_value=Decimal(0), required=False, allow_null=True
    )
    output_price = serializers.DecimalField(max_digits=12, decimal_places=6, min_value=Decimal(0))
    currency = serializers.ChoiceField(choices=CURRENCIES, required=False)
