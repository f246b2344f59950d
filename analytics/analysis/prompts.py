"""The words that a model is given: of a version of the company's, or those of the house."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analytics.analysis.budget import today
from analytics.models import PromptTemplate
from analytics.prompting.platform import GUARD, platform_template
from analytics.prompting.render import render
from analytics.prompting.versions import template_hash
from evosense.core.schema import current_tenant

_LANGUAGES = {"pt-br": "português do Brasil", "en": "English", "es": "español"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template as calls and rows name it; `version` of the house's begins with "house:"."""

    task: str
    version: str
    body: str
    schema: dict[str, Any]
    params: dict[str, Any]
    hash: str

    def system(self, **values: str) -> str:
        """Return the system turn; instructions are nowhere else."""
        tenant = current_tenant()
        known = {
            "company": tenant.name or tenant.slug,
            "language": _LANGUAGES.get(tenant.locale, tenant.locale),
            "today": today().isoformat(),
            **values,
        }
        return f"{GUARD}\n\n{render(self.task, self.body, known)}"

    def call_params(self, output_tokens: int) -> Mapping[str, Any]:
        """Return the parameters of a call, with room for an answer of so many tokens."""
        return {"max_output_tokens": output_tokens, **self.params}


def prompt_of(task: str, template: PromptTemplate | None) -> Prompt:
    """Return what a version says, the house's own words without one."""
    if template is not None:
        return Prompt(
            task,
            template.version,
            template.body,
            template.output_schema,
            template.model_params,
            template.template_hash,
        )
    house = platform_template(task)
    content = template_hash(task, house.body, house.output_schema, house.model_params)
    return Prompt(
        task, f"house:{house.name}", house.body, house.output_schema, house.model_params, content
    )
