from django.urls import path

from analytics.views.experiments import acts, creating, detail, drift, listing

urlpatterns = [
    path("", listing.experiment_list, name="experiment-list"),
    path("novo/", creating.experiment_create, name="experiment-create"),
    path("plano/", creating.experiment_plan, name="experiment-plan"),
    path("deriva/", drift.experiment_drift, name="experiment-drift"),
    path("<uuid:experiment_id>/", detail.experiment_detail, name="experiment-detail"),
    path("<uuid:experiment_id>/estado/", detail.experiment_state, name="experiment-state"),
    path("<uuid:experiment_id>/csv/", detail.experiment_csv, name="experiment-csv"),
    path("<uuid:experiment_id>/iniciar/", acts.experiment_start, name="experiment-start"),
    path("<uuid:experiment_id>/pausar/", acts.experiment_pause, name="experiment-pause"),
    path("<uuid:experiment_id>/retomar/", acts.experiment_resume, name="experiment-resume"),
    path("<uuid:experiment_id>/cancelar/", acts.experiment_cancel, name="experiment-cancel"),
    path("<uuid:experiment_id>/encerrar/", acts.experiment_end, name="experiment-end"),
    path("<uuid:experiment_id>/rotular/", acts.experiment_review, name="experiment-review"),
    path("<uuid:experiment_id>/promover/", acts.experiment_promote, name="experiment-promote"),
    path("<uuid:experiment_id>/reverter/", acts.experiment_roll_back, name="experiment-roll-back"),
]
