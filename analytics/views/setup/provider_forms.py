"""Forms of the provider pages. Rules that must hold are the services'."""

from django import forms
from django.utils.translation import gettext_lazy as _

from analytics.providers.inputs import MOST_A_MINUTE
from analytics.providers.price_list import CURRENCIES, MOST
from evosense.core.number_fields import WrittenDecimal, WrittenInteger
from messaging.forms import ServiceForm


class ProviderForm(ServiceForm):
    name = forms.CharField(label=_("Name"), max_length=80)
    base_url = forms.CharField(label=_("Address"), max_length=300)
    api_key = forms.CharField(
        label=_("API key"), max_length=500, required=False, widget=forms.PasswordInput
    )
    chat_model = forms.CharField(label=_("Model for judgements"), max_length=120, required=False)
    embedding_model = forms.CharField(
        label=_("Model for embeddings"), max_length=120, required=False
    )
    transcription_model = forms.CharField(
        label=_("Model for recordings"), max_length=120, required=False
    )
    country = forms.CharField(label=_("Country"), max_length=60, required=False)
    requests_per_minute = WrittenInteger(
        label=_("Requests a minute"), min_value=1, max_value=MOST_A_MINUTE, required=False
    )
    tokens_per_minute = WrittenInteger(
        label=_("Tokens a minute"), min_value=1, max_value=MOST_A_MINUTE, required=False
    )
    is_matryoshka = forms.BooleanField(required=False)
    is_active = forms.BooleanField(required=False, initial=True)


class PriceForm(ServiceForm):
    """A price for a million tokens, in the currency's whole units."""

    model = forms.CharField(label=_("Model"), max_length=120)
    valid_from = forms.DateField(label=_("Valid from"))
    input_price = WrittenDecimal(label=_("Input"), min_value=0, max_value=MOST, decimal_places=6)
    cached_input_price = WrittenDecimal(
        label=_("Repeated input"),
        min_value=0,
        max_value=MOST,
        decimal_places=6,
        required=False,
    )
    output_price = WrittenDecimal(label=_("Output"), min_value=0, max_value=MOST, decimal_places=6)
    currency = forms.ChoiceField(label=_("Currency"), choices=[(one, one) for one in CURRENCIES])
