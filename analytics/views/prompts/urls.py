from django.urls import path

from analytics.views.prompts import lists, playground, writing

urlpatterns = [
    path("", lists.prompt_list, name="prompt-list"),
    path("novo/", writing.prompt_create, name="prompt-create"),
    path("importar/", writing.prompt_import, name="prompt-import"),
    path("experimentar/", playground.prompt_playground, name="prompt-playground"),
    path("experimentar/<uuid:errand_id>/", playground.prompt_trial, name="prompt-trial"),
    path(
        "experimentar/<uuid:errand_id>/cancelar/",
        playground.prompt_trial_cancel,
        name="prompt-trial-cancel",
    ),
    path("p/<slug:name>/", lists.prompt_detail, name="prompt-detail"),
    path("p/<slug:name>/v/<int:number>/", lists.prompt_version, name="prompt-version"),
    path("p/<slug:name>/arquivo/", lists.prompt_export, name="prompt-export"),
    path("p/<slug:name>/rotulo/", writing.label_move, name="prompt-label-move"),
    path(
        "p/<slug:name>/rotulo/<slug:label>/remover/",
        writing.label_remove,
        name="prompt-label-remove",
    ),
    path(
        "p/<slug:name>/rotulo/<slug:label>/proteger/",
        writing.label_protect,
        name="prompt-label-protect",
    ),
    path("p/<slug:name>/reverter/", writing.prompt_roll_back, name="prompt-roll-back"),
]
