"""Everything below /ajustes/."""

from django.urls import path

from tenancy.views.settings import (
    audit,
    company,
    data,
    domains,
    index,
    keys,
    parting,
    people,
    policy,
    roles,
    support,
)

app_name = "settings"

urlpatterns = [
    path("", index.index, name="index"),
    path("pessoas/", people.people, name="people"),
    path("pessoas/convidar/", people.people_invite, name="people-invite"),
    path(
        "pessoas/convites/<uuid:invitation_id>/reenviar/",
        people.people_resend,
        name="people-resend",
    ),
    path(
        "pessoas/convites/<uuid:invitation_id>/cancelar/",
        people.people_revoke,
        name="people-revoke",
    ),
    path("pessoas/<int:member_id>/", people.people_person, name="people-person"),
    path("pessoas/<int:member_id>/dono/", people.people_transfer, name="people-transfer"),
    path("pessoas/<int:member_id>/desativar/", parting.people_deactivate, name="people-deactivate"),
    path("pessoas/<int:member_id>/reativar/", parting.people_reactivate, name="people-reactivate"),
    path("empresa/", company.company, name="company"),
    path("marca/", company.brand, name="brand"),
    path("marca/restaurar/", company.brand_reset, name="brand-reset"),
    path("seguranca/", policy.policy, name="policy"),
    path("suporte/", support.support, name="support"),
    path("suporte/<uuid:grant_id>/encerrar/", support.support_end, name="support-end"),
    path("chaves/", keys.key_list, name="keys"),
    path("chaves/nova/", keys.key_new, name="keys-new"),
    path("chaves/<int:key_id>/revogar/", keys.key_revoke, name="keys-revoke"),
    path("auditoria/", audit.audit_list, name="audit"),
    path("auditoria/conferir/", audit.audit_check, name="audit-check"),
    path("auditoria/exportar/", audit.audit_export, name="audit-export"),
    path("dados/", data.data, name="data"),
    path("dados/arquivos/", data.data_archives, name="data-archives"),
    path("dados/exportar/", data.data_export, name="data-export"),
    path("dados/arquivos/<uuid:archive_id>/", data.data_download, name="data-download"),
    path("dados/excluir/", data.data_delete, name="data-delete"),
    path("dados/manter/", data.data_keep, name="data-keep"),
    path("papeis/", roles.role_list, name="roles"),
    path("papeis/novo/", roles.role_new, name="roles-new"),
    path("papeis/<int:role_id>/", roles.role_edit, name="roles-edit"),
    path("papeis/<int:role_id>/excluir/", roles.role_delete, name="roles-delete"),
    path("dominios/", domains.domain_list, name="domains"),
    path("dominios/<int:domain_id>/verificar/", domains.domain_check, name="domains-check"),
    path("dominios/<int:domain_id>/remover/", domains.domain_remove, name="domains-remove"),
]
