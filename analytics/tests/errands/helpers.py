from analytics.errands.work import do_errand
from analytics.models import Errand


def do_waiting() -> list[Errand]:
    """Do what waits, as a worker would; returns the rows as they are then."""
    keys = list(Errand.objects.filter(state="waiting").order_by("pk").values_list("pk", flat=True))
    for pk in keys:
        do_errand(pk)
    return list(Errand.objects.filter(pk__in=keys).order_by("pk"))
