"""Everything below /ajustes/."""

from django.urls import path

from tenancy.views.settings import audit, index, keys, parting, people, roles

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
    path("chaves/", keys.key_list, name="keys"),
    path("chaves/nova/", keys.key_new, name="keys-new"),
    path("chaves/<int:key_id>/revogar/", keys.key_revoke, name="keys-revoke"),
    path("auditoria/", audit.audit_list, name="audit"),
    path("auditoria/conferir/", audit.audit_check, name="audit-check"),
    path("auditoria/exportar/", audit.audit_export, name="audit-export"),
    path("papeis/", roles.role_list, name="roles"),
    path("papeis/novo/", roles.role_new, name="roles-new"),
    path("papeis/<int:role_id>/", roles.role_edit, name="roles-edit"),
    path("papeis/<int:role_id>/excluir/", roles.role_delete, name="roles-delete"),
]
