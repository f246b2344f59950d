from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.rest import ApiView, checked_body, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from messaging.api.queries import ContactQuery, filter_of, page_options
from messaging.api.serializers import ContactChangeSerializer, ContactSerializer
from messaging.selectors.contacts import ContactFilter, contact_page, contact_row
from messaging.services.contacts import rename_contact

_READ, _WRITE = "contacts:read", "contacts:write"


class ContactList(ApiView):
    required_scopes = {"GET": _READ}
    query_serializer_class = ContactQuery

    @describes(
        Operation(
            id="contacts_list",
            tag="contacts",
            scope=_READ,
            query=ContactQuery,
            answer=page_serializer(ContactSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List contacts, the one that changed last first."""
        narrowed = filter_of(ContactFilter, self.query)
        page = contact_page(narrowed, **page_options(self.query), show_numbers=True)
        return page_of(ContactSerializer(page.rows, many=True).data, page.next)


class ContactDetail(ApiView):
    required_scopes = {"GET": _READ, "PATCH": _WRITE}

    @describes(Operation(id="contacts_get", tag="contacts", scope=_READ, answer=ContactSerializer))
    def get(self, request: Request, contact_id: UUID) -> Response:
        """Return one contact; an id that was merged leads to the one that remained."""
        return Response(ContactSerializer(contact_row(contact_id, show_numbers=True)).data)

    @describes(
        Operation(
            id="contacts_update",
            tag="contacts",
            scope=_WRITE,
            body=ContactChangeSerializer,
            answer=ContactSerializer,
            example={"name": "Ana Ribeiro"},
        )
    )
    def patch(self, request: Request, contact_id: UUID) -> Response:
        """Give a contact a name that WhatsApp no longer replaces."""
        changes = checked_body(ContactChangeSerializer, request.data)
        rename_contact(contact_id, **changes)
        return Response(ContactSerializer(contact_row(contact_id, show_numbers=True)).data)
